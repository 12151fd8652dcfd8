//! Which file defines what a module names, through imports and re-exports.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::module::{Import, Module, ModuleId, Namespace};

/// Where a file names what another one defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line of the file.
    pub line: usize,
    /// What stands there.
    pub path: String,
}

/// The places at which one file names what another one defines, by the two.
pub(crate) type Imports = BTreeMap<(ModuleId, ModuleId), BTreeSet<Place>>;

/// What each file of a crate needs of the others.
pub(crate) fn imports(modules: &[Module]) -> Imports {
    let resolver = Resolver { modules };
    let mut imports = Imports::new();
    for (id, module) in modules.iter().enumerate() {
        let mut note = |targets: BTreeSet<ModuleId>, path: &[String], line: usize| {
            for target in targets {
                let (from, to) = (module.unit, modules[target].unit);
                if from != to {
                    imports.entry((from, to)).or_default().insert(Place { line, path: path.join("::") });
                }
            }
        };
        for import in &module.imports {
            let mut targets = resolver.definers(id, &import.path);
            if import.public {
                targets.retain(|target| !resolver.is_within(*target, module.unit));
            }
            note(targets, &import.path, import.line);
        }
        for glob in &module.globs {
            // What is used of it is seen where it is used. But traits that are imported for their methods are not.
            if let Some(target) = resolver.module(id, &glob.path)
                && !resolver.is_within(id, target)
                && !(glob.public && resolver.is_within(target, module.unit))
            {
                let path = [glob.path.as_slice(), &["*".to_owned()]].concat();
                note(BTreeSet::from([target]), &path, glob.line);
            }
        }
        for mention in &module.mentions {
            // The `use` that brought the name has been noted.
            if !resolver.is_imported_item(id, &mention.path) {
                note(resolver.mentioned(id, &mention.path, mention.of_macro), &mention.path, mention.line);
            }
        }
    }
    imports
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    /// A module.
    Module(ModuleId),
    /// An item that this module defines.
    ItemOf(ModuleId),
    /// Something from another crate.
    Foreign,
}

/// Names that are being looked up, lest a re-export of itself is followed for ever.
type Visited = HashSet<(ModuleId, String, Namespace)>;

struct Resolver<'a> {
    modules: &'a [Module],
}

impl Resolver<'_> {
    fn is_within(&self, module: ModuleId, ancestor: ModuleId) -> bool {
        let mut at = Some(module);
        while let Some(id) = at {
            if id == ancestor {
                return true;
            }
            at = self.modules[id].parent;
        }
        false
    }

    /// The modules that define what a path names. None for a path to a module itself, and to another crate.
    fn definers(&self, from: ModuleId, path: &[String]) -> BTreeSet<ModuleId> {
        Namespace::ALL
            .into_iter()
            .filter_map(|namespace| match self.resolve(from, path, namespace, &mut Visited::new()) {
                Some(Meaning::ItemOf(module)) => Some(module),
                _ => None,
            })
            .collect()
    }

    fn module(&self, from: ModuleId, path: &[String]) -> Option<ModuleId> {
        match self.resolve(from, path, Namespace::Type, &mut Visited::new()) {
            Some(Meaning::Module(module)) => Some(module),
            _ => None,
        }
    }

    fn mentioned(&self, from: ModuleId, path: &[String], of_macro: bool) -> BTreeSet<ModuleId> {
        match path {
            [name] if of_macro => self.macro_of(from, name).into_iter().collect(),
            _ => self.definers(from, path),
        }
    }

    /// A macro by its name alone: imported, or written further up in a module around.
    fn macro_of(&self, from: ModuleId, name: &str) -> Option<ModuleId> {
        match self.lookup(from, name, Namespace::Macro, &mut Visited::new()) {
            Some(Meaning::ItemOf(module)) => return Some(module),
            Some(_) => return None,
            None => {}
        }
        let mut at = self.modules[from].parent;
        while let Some(id) = at {
            if self.modules[id].items.contains(&(Namespace::Macro, name.to_owned())) {
                return Some(id);
            }
            at = self.modules[id].parent;
        }
        None
    }

    /// Whether a path begins with an item that a `use` of this module names, whose place that `use` is.
    fn is_imported_item(&self, from: ModuleId, path: &[String]) -> bool {
        let Some(first) = path.first() else { return false };
        let mut imports = self.modules[from].imports.iter().filter(|import| import.name == *first);
        imports.any(|import| !import.public && !self.definers(from, &import.path).is_empty())
    }

    fn resolve(
        &self,
        from: ModuleId,
        path: &[String],
        namespace: Namespace,
        visited: &mut Visited,
    ) -> Option<Meaning> {
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => 0,
            "self" => from,
            "super" => self.modules[from].parent?,
            _ => {
                let own = if rest.is_empty() { namespace } else { Namespace::Type };
                match self.lookup(from, first, own, visited)? {
                    Meaning::Module(module) => module,
                    // The rest is a variant, a constant or a function of it.
                    item => return Some(item),
                }
            }
        };
        while let Some((name, more)) = rest.split_first() {
            rest = more;
            if name == "super" {
                at = self.modules[at].parent?;
                continue;
            }
            let own = if rest.is_empty() { namespace } else { Namespace::Type };
            match self.lookup(at, name, own, visited) {
                Some(Meaning::Module(module)) => at = module,
                Some(item) => return Some(item),
                // A macro has made it there, unless the name is one of another kind.
                None => return (!self.knows(at, name, visited)).then_some(Meaning::ItemOf(at)),
            }
        }
        Some(Meaning::Module(at))
    }

    fn knows(&self, module: ModuleId, name: &str, visited: &Visited) -> bool {
        Namespace::ALL
            .into_iter()
            .any(|namespace| self.lookup(module, name, namespace, &mut visited.clone()).is_some())
    }

    /// What a name means in a module.
    fn lookup(
        &self,
        id: ModuleId,
        name: &str,
        namespace: Namespace,
        visited: &mut Visited,
    ) -> Option<Meaning> {
        if !visited.insert((id, name.to_owned(), namespace)) {
            return None;
        }
        let module = &self.modules[id];
        if namespace == Namespace::Type
            && let Some(child) = module.children.get(name)
        {
            return Some(Meaning::Module(*child));
        }
        if module.items.contains(&(namespace, name.to_owned())) {
            return Some(Meaning::ItemOf(id));
        }
        let named = module.imports.iter().filter(|import| import.name == name);
        for import in named {
            match self.resolve(id, &import.path, namespace, visited) {
                None if self.is_foreign(id, import, visited) => return Some(Meaning::Foreign),
                None => {}
                found => return found,
            }
        }
        module.globs.iter().find_map(|glob| {
            match self.resolve(id, &glob.path, Namespace::Type, &mut visited.clone())? {
                Meaning::Module(target) => self.lookup(target, name, namespace, visited),
                Meaning::ItemOf(_) | Meaning::Foreign => None,
            }
        })
    }

    /// Whether an import comes from another crate: its first segment means nothing in this one.
    fn is_foreign(&self, id: ModuleId, import: &Import, visited: &Visited) -> bool {
        let Some(first) = import.path.first() else { return false };
        let is_relative = matches!(first.as_str(), "crate" | "self" | "super");
        let meaning = || self.lookup(id, first, Namespace::Type, &mut visited.clone());
        !is_relative && matches!(meaning(), None | Some(Meaning::Foreign))
    }
}
