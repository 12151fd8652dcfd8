//! The arrows between the crates of the workspace.

use std::path::Path;

use crate::workspace::{Dependency, Package, Workspace};

/// The package that puts the services into one process, and so depends on them.
const COMPOSITION: &str = "madang";

/// Which part of the workspace a crate belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// What services share: `crates`, `proto`.
    Library,
    /// `services`, one of which is not another's.
    Service,
    /// The all-in-one.
    Composition,
    /// `tests`.
    Test,
}

/// The dependencies that point the wrong way, each as a sentence. What only tests need (`dev-dependencies`) may point
/// anywhere.
#[must_use]
pub fn wrong(workspace: &Workspace) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in &workspace.packages {
        for dependency in package.dependencies.iter().filter(|needed| needed.kind.as_deref() != Some("dev")) {
            if let Ok(needed) = workspace.package(&dependency.name)
                && let Some(rule) = broken(part(workspace, package), part(workspace, needed))
            {
                wrong.push(sentence(package, dependency, rule));
            }
        }
    }
    wrong
}

fn sentence(package: &Package, dependency: &Dependency, rule: &str) -> String {
    format!("{} depends on {}: {rule}", package.name, dependency.name)
}

fn part(workspace: &Workspace, package: &Package) -> Part {
    let directory = workspace.directory(package);
    match directory.components().next() {
        Some(first) if first.as_os_str() == Path::new("tests") => Part::Test,
        Some(first) if first.as_os_str() == Path::new("services") => {
            if package.name == COMPOSITION {
                Part::Composition
            } else {
                Part::Service
            }
        }
        _ => Part::Library,
    }
}

/// The rule that a dependency breaks.
fn broken(from: Part, to: Part) -> Option<&'static str> {
    match (from, to) {
        (Part::Library | Part::Service | Part::Composition, Part::Test) => {
            Some("what is deployed does not import the tests' crates")
        }
        (Part::Service, Part::Service | Part::Composition) => Some("services do not import one another"),
        (Part::Library, Part::Service | Part::Composition) => Some("libraries do not import services"),
        (Part::Composition, Part::Library | Part::Service | Part::Composition)
        | (Part::Service | Part::Library, Part::Library)
        | (Part::Test, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of a dependency, and its kind.
    type Needed<'a> = (&'a str, Option<&'a str>);

    /// A workspace of these packages: the directory of each, and what it depends on.
    fn workspace(packages: &[(&str, &[Needed<'_>])]) -> Workspace {
        let name = |directory: &str| directory.rsplit('/').next().unwrap_or(directory).to_owned();
        let package = |(directory, needed): &(&str, &[Needed<'_>])| Package {
            name: name(directory),
            manifest_path: Path::new("/w").join(directory).join("Cargo.toml"),
            dependencies: needed
                .iter()
                .map(|(name, kind)| Dependency { name: (*name).to_owned(), kind: kind.map(str::to_owned) })
                .collect(),
            targets: Vec::new(),
        };
        Workspace { packages: packages.iter().map(package).collect(), root: "/w".into() }
    }

    #[test]
    fn arrows_that_point_the_right_way_pass() {
        let workspace = workspace(&[
            ("proto", &[("serde", None)]),
            ("crates/rpc", &[("proto", None)]),
            ("services/auth", &[("rpc", None), ("kit", Some("dev"))]),
            ("services/gateway", &[("rpc", None), ("auth", Some("dev"))]),
            ("services/madang", &[("auth", None), ("gateway", None)]),
            ("tests/kit", &[]),
            ("tests/e2e", &[("kit", None), ("gateway", None)]),
        ]);
        assert_eq!(wrong(&workspace), Vec::<String>::new());
    }

    #[test]
    fn each_arrow_that_points_the_wrong_way_is_named() {
        let workspace = workspace(&[
            ("crates/rpc", &[("auth", None)]),
            ("services/auth", &[("kit", None)]),
            ("services/gateway", &[("auth", Some("build")), ("madang", None)]),
            ("services/madang", &[("gateway", None), ("kit", None)]),
            ("tests/kit", &[]),
        ]);
        assert_eq!(
            wrong(&workspace),
            [
                "rpc depends on auth: libraries do not import services",
                "auth depends on kit: what is deployed does not import the tests' crates",
                "gateway depends on auth: services do not import one another",
                "gateway depends on madang: services do not import one another",
                "madang depends on kit: what is deployed does not import the tests' crates",
            ]
        );
    }
}
