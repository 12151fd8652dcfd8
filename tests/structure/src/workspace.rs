//! The packages of the workspace, as cargo tells them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use crate::error::Error;

/// The workspace.
#[derive(Debug, Deserialize)]
pub struct Workspace {
    /// Its packages.
    pub packages: Vec<Package>,
    /// Its directory.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
}

/// One package.
#[derive(Debug, Clone, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its `Cargo.toml`.
    pub manifest_path: PathBuf,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
    /// What is built of it.
    pub targets: Vec<Target>,
}

/// One dependency of a package.
#[derive(Debug, Clone, Deserialize)]
pub struct Dependency {
    /// The name of the package that is needed.
    pub name: String,
    /// `dev` or `build`; none of an ordinary one.
    pub kind: Option<String>,
}

/// One thing that is built.
#[derive(Debug, Clone, Deserialize)]
pub struct Target {
    /// Its kinds, such as `lib`.
    pub kind: Vec<String>,
    /// Its root file.
    pub src_path: PathBuf,
}

impl Workspace {
    /// Asks cargo, without the network.
    ///
    /// # Errors
    /// When cargo cannot be started or refuses.
    pub fn read() -> Result<Self, Error> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
            .output()
            .map_err(|error| Error::Metadata(error.to_string()))?;
        if !output.status.success() {
            return Err(Error::Metadata(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| Error::Metadata(error.to_string()))
    }

    /// The directory of a package, from the workspace's.
    #[must_use]
    pub fn directory<'a>(&self, package: &'a Package) -> &'a Path {
        let directory = package.manifest_path.parent().unwrap_or(&package.manifest_path);
        directory.strip_prefix(&self.root).unwrap_or(directory)
    }

    /// The package of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn package(&self, name: &str) -> Result<&Package, Error> {
        let named = self.packages.iter().find(|package| package.name == name);
        named.ok_or_else(|| Error::UnknownPackage(name.to_owned()))
    }
}

impl Package {
    /// The root files of its library and its programs.
    pub fn roots(&self) -> impl Iterator<Item = &Path> {
        let is_code = |target: &&Target| target.kind.iter().any(|kind| kind == "lib" || kind == "bin");
        self.targets.iter().filter(is_code).map(|target| target.src_path.as_path())
    }
}
