//! Circles among the modules of a crate, and what ties them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::{self, Display},
    path::{Path, PathBuf},
};

use crate::{
    error::Error,
    module::{Module, ModuleId},
    read,
    resolve::{self, Imports, Place},
};

/// How many places of one import are printed.
const PLACES_SHOWN: usize = 3;

/// Modules each of which needs, directly or through others, all of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circle {
    /// What stands in it.
    pub level: Level,
    /// The paths of the modules, in order.
    pub modules: Vec<String>,
    /// A shortest way round.
    pub shortest: Vec<String>,
    /// What ties them.
    pub ties: Vec<Tie>,
}

/// What a circle consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Files.
    Files,
    /// Modules beside each other, each with all that is below it.
    Trees,
}

/// What one file of a circle names of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    /// The module that imports.
    pub from: String,
    /// Its file.
    pub file: PathBuf,
    /// The module that defines.
    pub to: String,
    /// Where.
    pub places: Vec<Place>,
}

type Arrows = BTreeMap<ModuleId, BTreeSet<ModuleId>>;

/// The circles between the modules of the crate whose root is this file.
///
/// # Errors
/// When a file of the crate is missing or is not Rust.
pub fn circles_of(root: &Path) -> Result<Vec<Circle>, Error> {
    let modules = read::read(root)?;
    Ok(find(&modules, &resolve::imports(&modules)))
}

/// The circles among files, then those among modules with all that is below them, unless they are the same.
fn find(modules: &[Module], imports: &Imports) -> Vec<Circle> {
    let mut circles = among(modules, imports, Level::Files, Some);
    for parent in 0..modules.len() {
        let trees = among(modules, imports, Level::Trees, |id| tree_below(modules, parent, id));
        let new = |tree: &Circle| !circles.iter().any(|known| known.modules == tree.modules);
        let trees: Vec<Circle> = trees.into_iter().filter(new).collect();
        circles.extend(trees);
    }
    circles
}

/// The child of `parent` that `id` is, or is below of.
fn tree_below(modules: &[Module], parent: ModuleId, id: ModuleId) -> Option<ModuleId> {
    let above = modules[id].parent?;
    if above == parent { Some(id) } else { tree_below(modules, parent, above) }
}

/// The circles among groups of files, those of most groups first.
fn among(
    modules: &[Module],
    imports: &Imports,
    level: Level,
    group: impl Fn(ModuleId) -> Option<ModuleId>,
) -> Vec<Circle> {
    let groups = |(from, to): &(ModuleId, ModuleId)| {
        let (from, to) = (group(*from)?, group(*to)?);
        (from != to).then_some((from, to))
    };
    let mut arrows = Arrows::new();
    for (from, to) in imports.keys().filter_map(groups) {
        arrows.entry(from).or_default().insert(to);
    }
    let path = |id: ModuleId| modules[id].path.clone();
    let tie = |((from, to), places): (&(ModuleId, ModuleId), &BTreeSet<Place>)| Tie {
        from: path(*from),
        file: modules[*from].file.clone(),
        to: path(*to),
        places: places.iter().cloned().collect(),
    };
    let circle = |members: BTreeSet<ModuleId>| {
        let is_tie = |(pair, _): &(&(ModuleId, ModuleId), &BTreeSet<Place>)| {
            groups(pair).is_some_and(|(from, to)| members.contains(&from) && members.contains(&to))
        };
        Circle {
            level,
            shortest: shortest(&arrows, &members).into_iter().map(path).collect(),
            ties: imports.iter().filter(is_tie).map(tie).collect(),
            modules: members.iter().copied().map(path).collect(),
        }
    };
    let mut circles: Vec<Circle> = components(&arrows).into_iter().map(circle).collect();
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.modules.len()));
    circles
}

/// The strongly connected components of more than one member: modules that reach each other.
fn components(arrows: &Arrows) -> Vec<BTreeSet<ModuleId>> {
    let reached: BTreeMap<ModuleId, BTreeSet<ModuleId>> =
        arrows.keys().map(|from| (*from, reach(arrows, *from))).collect();
    let mut placed: BTreeSet<ModuleId> = BTreeSet::new();
    let mut components = Vec::new();
    for (from, forward) in &reached {
        if placed.contains(from) || !forward.contains(from) {
            continue;
        }
        let mutual = |to: &ModuleId| reached.get(to).is_some_and(|back| back.contains(from));
        let members: BTreeSet<ModuleId> = forward.iter().copied().filter(mutual).collect();
        placed.extend(&members);
        components.push(members);
    }
    components
}

/// All modules that can be reached from one; itself too, if a circle leads back.
fn reach(arrows: &Arrows, from: ModuleId) -> BTreeSet<ModuleId> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        for to in arrows.get(&at).into_iter().flatten() {
            if reached.insert(*to) {
                next.push(*to);
            }
        }
    }
    reached
}

/// A shortest way from some member back to itself.
fn shortest(arrows: &Arrows, members: &BTreeSet<ModuleId>) -> Vec<ModuleId> {
    let round = |start: ModuleId| {
        let mut ways = VecDeque::from([vec![start]]);
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop_front() {
            let at = way.last().copied().unwrap_or(start);
            for to in arrows.get(&at).into_iter().flatten().filter(|to| members.contains(to)) {
                let longer = [way.as_slice(), &[*to]].concat();
                if *to == start {
                    return longer;
                }
                if seen.insert(*to) {
                    ways.push_back(longer);
                }
            }
        }
        Vec::new()
    };
    members.iter().map(|start| round(*start)).min_by_key(Vec::len).unwrap_or_default()
}

impl Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.level {
            Level::Files => "files",
            Level::Trees => "modules, with what is below them,",
        };
        writeln!(f, "{} {what} need one another: {}", self.modules.len(), self.modules.join(", "))?;
        writeln!(f, "  a shortest way round: {}", self.shortest.join(" → "))?;
        for tie in &self.ties {
            writeln!(f, "  {} → {}", tie.from, tie.to)?;
            for place in tie.places.iter().take(PLACES_SHOWN) {
                writeln!(f, "    {}:{}  {}", tie.file.display(), place.line, place.path)?;
            }
            if tie.places.len() > PLACES_SHOWN {
                writeln!(f, "    and {} more", tie.places.len() - PLACES_SHOWN)?;
            }
        }
        Ok(())
    }
}
