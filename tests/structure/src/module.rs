//! A module of a crate: what it defines, imports and names.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use syn::{Item, UseTree, Visibility, ext::IdentExt as _};

/// The number of a module in its crate; the root is 0.
pub(crate) type ModuleId = usize;

/// The kinds of names, each of which can mean something else by the same word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Namespace {
    /// Types, traits and modules.
    Type,
    /// Functions, constants, statics, constructors.
    Value,
    /// Macros.
    Macro,
}

impl Namespace {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Type, Self::Value, Self::Macro];
}

/// One module.
#[derive(Debug)]
pub(crate) struct Module {
    /// Its path in the crate, `store::error`; `crate` for the root.
    pub(crate) path: String,
    /// The file that it stands in.
    pub(crate) file: PathBuf,
    /// The module that declares it.
    pub(crate) parent: Option<ModuleId>,
    /// The module whose file it stands in: itself, unless it is inline.
    pub(crate) unit: ModuleId,
    /// The modules that it declares, by name.
    pub(crate) children: HashMap<String, ModuleId>,
    /// What it defines.
    pub(crate) items: HashSet<(Namespace, String)>,
    /// What it imports by name.
    pub(crate) imports: Vec<Import>,
    /// The modules whose names it imports all.
    pub(crate) globs: Vec<Import>,
    /// The paths in its code.
    pub(crate) mentions: Vec<Mention>,
}

/// One name of a `use`.
#[derive(Debug)]
pub(crate) struct Import {
    /// The name in this module; `*` of a glob.
    pub(crate) name: String,
    /// Its path, by segments.
    pub(crate) path: Vec<String>,
    /// Whether other modules may import it from here.
    pub(crate) public: bool,
    /// The line of the file.
    pub(crate) line: usize,
}

/// A path in code.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Mention {
    /// Its segments.
    pub(crate) path: Vec<String>,
    /// Whether it is the name of a macro that is called.
    pub(crate) of_macro: bool,
    /// The line of the file.
    pub(crate) line: usize,
}

impl Module {
    pub(crate) fn new(path: String, file: &Path, parent: Option<ModuleId>, unit: ModuleId) -> Self {
        Self {
            path,
            file: file.to_owned(),
            parent,
            unit,
            children: HashMap::new(),
            items: HashSet::new(),
            imports: Vec::new(),
            globs: Vec::new(),
            mentions: Vec::new(),
        }
    }

    /// Notes what an item defines. What it imports and names, the collector notes.
    pub(crate) fn define(&mut self, item: &Item) {
        use Namespace::{Macro, Type, Value};
        let (name, namespaces): (&syn::Ident, &[Namespace]) = match item {
            Item::Const(item) => (&item.ident, &[Value]),
            Item::Enum(item) => (&item.ident, &[Type]),
            Item::Fn(item) => (&item.sig.ident, &[Value]),
            Item::Static(item) => (&item.ident, &[Value]),
            // A unit or a tuple has a constructor, too.
            Item::Struct(item) => (&item.ident, &[Type, Value]),
            Item::Trait(item) => (&item.ident, &[Type]),
            Item::TraitAlias(item) => (&item.ident, &[Type]),
            Item::Type(item) => (&item.ident, &[Type]),
            Item::Union(item) => (&item.ident, &[Type]),
            Item::Macro(syn::ItemMacro { ident: Some(name), .. }) => (name, &[Macro]),
            _ => return,
        };
        let name = name.unraw().to_string();
        self.items.extend(namespaces.iter().map(|namespace| (*namespace, name.clone())));
    }

    /// Notes the names of a `use`.
    pub(crate) fn import(&mut self, item: &syn::ItemUse) {
        // A path from outside of the crate is no matter of its modules.
        if item.leading_colon.is_none() {
            let public = !matches!(item.vis, Visibility::Inherited);
            self.import_tree(&item.tree, &mut Vec::new(), public);
        }
    }

    fn import_tree(&mut self, tree: &UseTree, prefix: &mut Vec<String>, public: bool) {
        let mut add = |name: &syn::Ident, alias: &syn::Ident| {
            let mut path = prefix.clone();
            let line = name.span().start().line;
            let name = name.unraw().to_string();
            // `use a::b::{self}` is `use a::b`.
            if name != "self" || path.is_empty() {
                path.push(name);
            }
            let alias = alias.unraw().to_string();
            let name = if alias == "self" { path.last().cloned().unwrap_or(alias) } else { alias };
            self.imports.push(Import { name, path, public, line });
        };
        match tree {
            UseTree::Name(leaf) => add(&leaf.ident, &leaf.ident),
            UseTree::Rename(leaf) => add(&leaf.ident, &leaf.rename),
            UseTree::Path(branch) => {
                prefix.push(branch.ident.unraw().to_string());
                self.import_tree(&branch.tree, prefix, public);
                prefix.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import_tree(tree, prefix, public);
                }
            }
            UseTree::Glob(glob) => self.globs.push(Import {
                name: "*".to_owned(),
                path: prefix.clone(),
                public,
                line: glob.star_token.spans[0].start().line,
            }),
        }
    }
}
