//! Reads the modules of a crate from its files.

use std::path::{Path, PathBuf};

use syn::{Item, ext::IdentExt as _, visit::Visit as _};

use crate::{
    attributes::{is_for_tests, path_attribute},
    error::Error,
    mentions::Collector,
    module::{Module, ModuleId},
};

/// Reads a crate from its root file.
///
/// # Errors
/// When a file is missing or is not Rust.
pub(crate) fn read(root: &Path) -> Result<Vec<Module>, Error> {
    let mut reader = Reader { modules: Vec::new() };
    let directory = root.parent().unwrap_or(Path::new(""));
    reader.read_file("crate".to_owned(), root, directory, None)?;
    Ok(reader.modules)
}

struct Reader {
    modules: Vec<Module>,
}

/// Where the files of a module's children are.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The directory of children without `#[path]`.
    children: &'a Path,
    /// The directory that a `#[path]` starts from.
    attributes: &'a Path,
}

impl Reader {
    fn add(
        &mut self,
        path: String,
        file: &Path,
        parent: Option<ModuleId>,
        unit: Option<ModuleId>,
    ) -> ModuleId {
        let id = self.modules.len();
        self.modules.push(Module::new(path, file, parent, unit.unwrap_or(id)));
        id
    }

    fn read_file(
        &mut self,
        path: String,
        file: &Path,
        children: &Path,
        parent: Option<ModuleId>,
    ) -> Result<ModuleId, Error> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| Error::Unreadable { path: file.to_owned(), source })?;
        let parsed =
            syn::parse_file(&text).map_err(|error| Error::Malformed { path: file.to_owned(), error })?;
        let id = self.add(path, file, parent, None);
        let attributes = file.parent().unwrap_or(Path::new(""));
        self.read_items(id, &parsed.items, Place { children, attributes })?;
        Ok(id)
    }

    fn read_items(&mut self, id: ModuleId, items: &[Item], place: Place<'_>) -> Result<(), Error> {
        for item in items {
            match item {
                Item::Mod(declared) if is_for_tests(&declared.attrs) => {}
                Item::Mod(declared) => self.read_module(id, declared, place)?,
                other => {
                    let module = &mut self.modules[id];
                    module.define(other);
                    Collector::new(module).visit_item(other);
                }
            }
        }
        Ok(())
    }

    fn read_module(&mut self, id: ModuleId, declared: &syn::ItemMod, place: Place<'_>) -> Result<(), Error> {
        let name = declared.ident.unraw().to_string();
        let path = if id == 0 { name.clone() } else { format!("{}::{name}", self.modules[id].path) };
        let file = self.modules[id].file.clone();
        let child = if let Some((_, items)) = &declared.content {
            let unit = self.modules[id].unit;
            let child = self.add(path, &file, Some(id), Some(unit));
            let directory = place.children.join(&name);
            self.read_items(child, items, Place { children: &directory, attributes: &directory })?;
            child
        } else {
            let (child_file, children) = find_file(&file, &name, path_attribute(&declared.attrs), place)?;
            self.read_file(path, &child_file, &children, Some(id))?
        };
        self.modules[id].children.insert(name, child);
        Ok(())
    }
}

/// The file of a module, and the directory of its children's files.
fn find_file(
    file: &Path,
    name: &str,
    attribute: Option<String>,
    place: Place<'_>,
) -> Result<(PathBuf, PathBuf), Error> {
    if let Some(attribute) = attribute {
        let found = place.attributes.join(attribute);
        let directory = found.parent().unwrap_or(Path::new("")).to_owned();
        return Ok((found, directory));
    }
    let directory = place.children.join(name);
    let candidates = [place.children.join(format!("{name}.rs")), directory.join("mod.rs")];
    match candidates.iter().find(|candidate| candidate.is_file()) {
        Some(found) => Ok((found.clone(), directory)),
        None => Err(Error::NoFile {
            path: file.to_owned(),
            name: name.to_owned(),
            looked_for: candidates.map(|candidate| candidate.display().to_string()).join(" and "),
        }),
    }
}
