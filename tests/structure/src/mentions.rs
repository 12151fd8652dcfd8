//! The paths that a module's code names: in code, in attributes, in the arguments of macros.

use std::collections::HashSet;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::{
    Attribute, Block, ImplItem, Item, Macro, Meta, Stmt, TraitItem, Visibility,
    ext::IdentExt as _,
    visit::{self, Visit},
};

use crate::{
    attributes::is_for_tests,
    module::{Mention, Module},
};

/// Notes the imports and paths of one item after the other in its module.
pub(crate) struct Collector<'a> {
    module: &'a mut Module,
    /// The names that patterns of the functions around bind: they hide functions of the same name.
    bound: Vec<HashSet<String>>,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(module: &'a mut Module) -> Self {
        Self { module, bound: Vec::new() }
    }

    fn mention(&mut self, path: Vec<String>, of_macro: bool, line: usize) {
        let is_local = |name: &String| {
            !of_macro && (name == "Self" || self.bound.iter().any(|bound| bound.contains(name)))
        };
        match path.as_slice() {
            [] => {}
            [name] if is_local(name) || name == "self" || name == "super" || name == "crate" => {}
            _ => self.module.mentions.push(Mention { path, of_macro, line }),
        }
    }

    fn inside(&mut self, patterns: Patterns, visit: impl FnOnce(&mut Self)) {
        self.bound.push(patterns.0);
        visit(self);
        self.bound.pop();
    }

    /// Notes the paths in the tokens of a macro or an attribute. In the body of `macro_rules!` only those from the
    /// crate's root: the others belong to whoever calls it.
    fn scan(&mut self, tokens: TokenStream, from_root_only: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    self.scan(group.stream(), from_root_only);
                    at += 1;
                }
                TokenTree::Literal(literal) => {
                    self.scan_literal(literal, from_root_only);
                    at += 1;
                }
                TokenTree::Punct(_) => at += 1,
                TokenTree::Ident(first) => {
                    let line = first.span().start().line;
                    let continues = at > 0
                        && matches!(&tokens[at - 1], TokenTree::Punct(mark) if
                            matches!(mark.as_char(), '.' | '\'') && !is_range(&tokens, at - 1) || is_path_sign(&tokens, at, mark));
                    let path = segments(&tokens, &mut at);
                    let called = matches!(tokens.get(at), Some(TokenTree::Punct(mark)) if mark.as_char() == '!')
                        && matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() != Delimiter::None);
                    let from_root = path.len() > 1 && path[0] == "crate";
                    if !continues && (from_root || !from_root_only) {
                        self.mention(path, called, line);
                    }
                }
            }
        }
    }

    /// Attributes such as `#[serde(with = "crate::time::millis")]` name paths in texts.
    fn scan_literal(&mut self, literal: &proc_macro2::Literal, from_root_only: bool) {
        let syn::Lit::Str(text) = syn::Lit::new(literal.clone()) else { return };
        let line = literal.span().start().line;
        if !text.value().contains("::") {
            return;
        }
        let Ok(path) = text.parse_with(syn::Path::parse_mod_style) else { return };
        let path: Vec<String> = path.segments.iter().map(|part| part.ident.unraw().to_string()).collect();
        if path[0] == "crate" || !from_root_only {
            self.mention(path, false, line);
        }
    }
}

/// Whether the dot at `at` is the last of `..`, after which a path can begin.
fn is_range(tokens: &[TokenTree], at: usize) -> bool {
    at > 0
        && matches!(&tokens[at - 1], TokenTree::Punct(mark) if mark.as_char() == '.' && mark.spacing() == Spacing::Joint)
}

/// Whether the mark before the name at `at` is the second of `::`.
fn is_path_sign(tokens: &[TokenTree], at: usize, mark: &proc_macro2::Punct) -> bool {
    mark.as_char() == ':'
        && at > 1
        && matches!(&tokens[at - 2], TokenTree::Punct(first) if first.as_char() == ':' && first.spacing() == Spacing::Joint)
}

/// The segments of the path that begins at `at`, which moves behind it.
fn segments(tokens: &[TokenTree], at: &mut usize) -> Vec<String> {
    let mut path = Vec::new();
    while let Some(TokenTree::Ident(name)) = tokens.get(*at) {
        path.push(name.unraw().to_string());
        *at += 1;
        let goes_on = matches!(
            (tokens.get(*at), tokens.get(*at + 1), tokens.get(*at + 2)),
            (Some(TokenTree::Punct(first)), Some(TokenTree::Punct(second)), Some(TokenTree::Ident(_)))
                if first.as_char() == ':' && first.spacing() == Spacing::Joint && second.as_char() == ':'
        );
        if !goes_on {
            break;
        }
        *at += 2;
    }
    path
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes_of(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => return,
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let attributes = match item {
            TraitItem::Const(item) => &item.attrs,
            TraitItem::Fn(item) => &item.attrs,
            TraitItem::Type(item) => &item.attrs,
            TraitItem::Macro(item) => &item.attrs,
            _ => return,
        };
        if !is_for_tests(attributes) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        match statement {
            Stmt::Local(local) if is_for_tests(&local.attrs) => {}
            Stmt::Macro(call) if is_for_tests(&call.attrs) => {}
            _ => visit::visit_stmt(self, statement),
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.inside(Patterns::of(&item.sig, Some(&item.block)), |it| visit::visit_item_fn(it, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.inside(Patterns::of(&item.sig, Some(&item.block)), |it| visit::visit_impl_item_fn(it, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        let patterns = Patterns::of(&item.sig, item.default.as_ref());
        self.inside(patterns, |it| visit::visit_trait_item_fn(it, item));
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.module.import(item);
    }

    // A module within a function. None is used; one would belong to this file, as any inline module.
    fn visit_item_mod(&mut self, _item: &'ast syn::ItemMod) {}

    // `pub(in crate::hub)` says who may look, not what is needed.
    fn visit_visibility(&mut self, _visibility: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none()
            && let Some(first) = path.segments.first()
        {
            let line = first.ident.span().start().line;
            let names = path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect();
            self.mention(names, false, line);
        }
        visit::visit_path(self, path);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.ident.is_some() {
            self.scan(item.mac.tokens.clone(), true);
        } else {
            visit::visit_item_macro(self, item);
        }
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        if call.path.leading_colon.is_none()
            && let Some(first) = call.path.segments.first()
        {
            let line = first.ident.span().start().line;
            let names = call.path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect();
            self.mention(names, true, line);
        }
        self.scan(call.tokens.clone(), false);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let path = attribute.path();
        if path.is_ident("doc") || path.is_ident("path") || path.is_ident("cfg") {
            return;
        }
        if path.segments.len() > 1 {
            self.visit_path(path);
        }
        if let Meta::List(list) = &attribute.meta {
            self.scan(list.tokens.clone(), false);
        }
    }
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The names that a function's patterns bind.
struct Patterns(HashSet<String>);

impl Patterns {
    fn of(signature: &syn::Signature, block: Option<&Block>) -> Self {
        let mut patterns = Self(HashSet::new());
        patterns.visit_signature(signature);
        if let Some(block) = block {
            patterns.visit_block(block);
        }
        patterns
    }
}

impl<'ast> Visit<'ast> for Patterns {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        let name = pattern.ident.unraw().to_string();
        // A constant or a unit in a pattern looks the same and binds nothing.
        if name.starts_with(|first: char| first.is_lowercase() || first == '_') {
            self.0.insert(name);
        }
        visit::visit_pat_ident(self, pattern);
    }
}
