//! `make lint` runs this over the whole workspace.

use std::{collections::BTreeSet, process::ExitCode};

use clap::Parser;
use madang_structure::{Error, Workspace, arrows, circles_of};

/// Checks that the modules of a crate have no circular imports, and that crates depend on each other only in the
/// documented direction
#[derive(Debug, Parser)]
#[command(name = "madang-structure")]
struct Cli {
    /// The packages whose modules are checked; by default all of the workspace
    #[arg(long = "package", short = 'p', value_name = "NAME")]
    packages: Vec<String>,
}

fn main() -> ExitCode {
    match check(&Cli::parse()) {
        Ok(complaints) if complaints.is_empty() => ExitCode::SUCCESS,
        Ok(complaints) => {
            for complaint in complaints {
                eprintln!("structure: {complaint}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("structure: {error}");
            ExitCode::from(2)
        }
    }
}

fn check(cli: &Cli) -> Result<Vec<String>, Error> {
    let workspace = Workspace::read()?;
    let mut complaints = if cli.packages.is_empty() { arrows::wrong(&workspace) } else { Vec::new() };
    let all = workspace.packages.iter().map(|package| package.name.clone());
    let packages: BTreeSet<String> =
        if cli.packages.is_empty() { all.collect() } else { cli.packages.iter().cloned().collect() };
    for name in packages {
        for root in workspace.package(&name)?.roots() {
            let root = root.strip_prefix(&workspace.root).unwrap_or(root);
            let circles = circles_of(&workspace.root.join(root))?;
            complaints.extend(circles.iter().map(|circle| {
                let text = format!("{name}: {circle}");
                text.replace(&format!("{}/", workspace.root.display()), "")
            }));
        }
    }
    Ok(complaints)
}
