//! Whom a message names: `@username`.
//!
//! Texts and usernames have one form of Unicode each, so they are compared as they are.
//!
//! A name begins at an `@` that no letter or digit stands before (an address of mail is no mention), and goes on as
//! long as a username may. What stands behind a name without a space is often not of it: a full stop, or a Korean
//! particle (`@미나가`, `@mina님께`). So each `@` gives a few candidates, and the longest that is a member is meant.

use std::collections::HashMap;

use madang_database::DatabaseResult;
use madang_domain::{MentionAll, RoomId, Seq, UserId, Username, limits::MENTIONS_MAX};

use super::room_change::RoomChange;
use crate::{error::OperationResult, store::Database};

/// The longest particles that are cut off, in syllables: `님께서는` has four.
const PARTICLE_MAX_SYLLABLES: usize = 4;

/// What one `@` may name, the longest first.
type Candidates = Vec<Username>;

/// Whom messages name that are sent to rooms by users, at the place of each: members, each once, not the sender, in
/// the order of the text. Texts without `@` cost nothing.
pub(crate) async fn find(
    database: &dyn Database,
    messages: &[(RoomId, UserId, &str)],
) -> DatabaseResult<Vec<Vec<UserId>>> {
    let mut found = vec![Vec::new(); messages.len()];
    if !messages.iter().any(|(_, _, text)| text.contains('@')) {
        return Ok(found);
    }
    let named: Vec<Vec<Candidates>> = messages.iter().map(|(_, _, text)| names(text)).collect();
    let mut asked: Vec<(RoomId, Username)> = named
        .iter()
        .zip(messages)
        .flat_map(|(named, (room, ..))| named.iter().flatten().map(|name| (*room, name.clone())))
        .collect();
    if asked.is_empty() {
        return Ok(found);
    }
    asked.sort_unstable();
    asked.dedup();
    let mut members: HashMap<&(RoomId, Username), Vec<UserId>> = HashMap::new();
    for (place, user) in database.named_members(&asked).await? {
        if let Some(name) = asked.get(place) {
            members.entry(name).or_default().push(user);
        }
    }
    for ((found, named), (room, sender, _)) in found.iter_mut().zip(named).zip(messages) {
        for candidates in named {
            let meant = candidates.into_iter().find_map(|name| members.get(&(*room, name)));
            for user in meant.into_iter().flatten() {
                if user != sender && !found.contains(user) && found.len() < MENTIONS_MAX {
                    found.push(*user);
                }
            }
        }
    }
    Ok(found)
}

/// Whom a text mentions besides members whom it names: everybody, where one of its names says so. A text without `@` costs
/// nothing.
pub(super) fn everybody(text: &str) -> Option<MentionAll> {
    if !text.contains('@') {
        return None;
    }
    let named = names(text);
    let names_all = |all: &MentionAll| named.iter().flatten().any(|name| name.as_str() == all.as_str());
    MentionAll::ALL.into_iter().find(names_all)
}

/// What a text names, in its order; the first so many.
fn names(text: &str) -> Vec<Candidates> {
    let mut names = Vec::new();
    let mut before = None;
    for (at, c) in text.char_indices() {
        if c == '@' && !before.is_some_and(Username::may_hold) {
            let candidates = candidates(&text[at + 1..]);
            if !candidates.is_empty() {
                names.push(candidates);
            }
            if names.len() == MENTIONS_MAX {
                break;
            }
        }
        before = Some(c);
    }
    names
}

/// A text with something else where it names a user; none where it does not name the user. What stands behind the name
/// stays. Where nobody says that the user was meant, a name with a particle behind it may be another's, and is left.
pub(super) fn without_name(text: &str, username: &str, instead: &str, is_meant: bool) -> Option<String> {
    let (mut kept, mut copied, mut before) = (String::new(), 0, None);
    for (at, c) in text.char_indices() {
        if c == '@' && at >= copied && !before.is_some_and(Username::may_hold) {
            let rest = &text[at + 1..];
            let end = rest.find(|c| !Username::may_hold(c)).unwrap_or(rest.len());
            let is_named = |length: &usize| {
                Username::recorded(&rest[..*length]).is_ok_and(|name| name.as_str() == username)
            };
            let lengths = rest[..end].char_indices().map(|(start, c)| start + c.len_utf8());
            let ends = |behind: &str| {
                if is_meant { may_end(behind) } else { behind.trim_end_matches(['.', '-', '_']).is_empty() }
            };
            let lengths: Vec<usize> = lengths.collect();
            let named =
                lengths.into_iter().rev().find(|length| is_named(length) && ends(&rest[*length..end]));
            if let Some(length) = named {
                kept.push_str(&text[copied..at]);
                kept.push_str(instead);
                copied = at + 1 + length;
            }
        }
        before = Some(c);
    }
    if copied == 0 {
        return None;
    }
    kept.push_str(&text[copied..]);
    Some(kept)
}

/// Whether so much may stand behind a name without a space: a Korean particle, and then or instead a full stop or the
/// like.
fn may_end(behind: &str) -> bool {
    let word = behind.trim_end_matches(['.', '-', '_']);
    word.chars().all(is_hangul) && word.chars().count() <= PARTICLE_MAX_SYLLABLES
}

/// What may be meant by the beginning of a text, the longest first.
fn candidates(text: &str) -> Candidates {
    let end = text.find(|c| !Username::may_hold(c)).unwrap_or(text.len());
    let whole = &text[..end];
    let mut word = whole.trim_end_matches(['.', '-', '_']);
    let mut candidates: Candidates = Vec::new();
    let mut add = |name: &str| {
        // What is no username, of no version, names nobody.
        if let Ok(name) = Username::recorded(name)
            && candidates.last() != Some(&name)
        {
            candidates.push(name);
        }
    };
    add(whole);
    add(word);
    for _ in 0..PARTICLE_MAX_SYLLABLES {
        let Some(rest) = word.strip_suffix(is_hangul) else { break };
        word = rest;
        add(word);
    }
    candidates
}

/// A whole syllable, as texts are written.
const fn is_hangul(c: char) -> bool {
    matches!(c, '가'..='힣')
}

/// Tells those whom a message mentions, but who has blocked the sender or wants no notices of the room.
pub(super) async fn tell(
    change: &mut RoomChange<'_>,
    by_site: bool,
    sender: UserId,
    mentioned: &[UserId],
    message: Seq,
) -> OperationResult<()> {
    let blockers = if by_site { Vec::new() } else { change.transaction.blockers(sender, mentioned).await? };
    let (room, now) = (change.room.id, change.now);
    let silent = change.transaction.silent_members(room, mentioned, now).await?;
    for user in mentioned.iter().filter(|user| !blockers.contains(user) && !silent.contains(user)) {
        change.tell_of_mention(*user, message);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<String> {
        names(text)
            .iter()
            .map(|candidates| candidates.iter().map(Username::as_str).collect::<Vec<_>>().join("|"))
            .collect()
    }

    #[test]
    fn a_name_begins_at_an_at_sign_and_ends_as_usernames_do() {
        assert_eq!(named("@mina, look: (@Jun.park) @소라"), ["mina", "jun.park", "소라"]);
        assert_eq!(named("@mina @mina"), ["mina", "mina"]);
        assert_eq!(named("@ＭＩＮＡ @हिन्दी @ㅋㅋ"), ["mina", "हिन्दी", "ㅋㅋ"]);
        assert_eq!(named("tell @mina."), ["mina.|mina"]);
        assert_eq!(named("mina@example.org, a.@mina, @, @@mina, @m, @ mina"), ["mina"]);
        assert_eq!(named(&format!("@{}", "x".repeat(33))), Vec::<String>::new());
    }

    #[test]
    fn a_particle_behind_a_name_may_not_be_of_it() {
        assert_eq!(named("@mina님께서는 오셨나요"), ["mina님께서는|mina님께서|mina님께|mina님|mina"]);
        assert_eq!(named("@미나가"), ["미나가|미나"]);
        assert_eq!(named("@minas"), ["minas"]);
    }

    #[test]
    fn a_name_is_taken_out_where_it_is_named() {
        let without = |text| without_name(text, "mina", "[gone]", true);
        assert_eq!(without("@mina, hello @MINA!").as_deref(), Some("[gone], hello [gone]!"));
        assert_eq!(without("(@mina님께서는) @mina.").as_deref(), Some("([gone]님께서는) [gone]."));
        assert_eq!(without("@ＭＩＮＡ").as_deref(), Some("[gone]"));
        assert_eq!(without("@minas a@mina mina @min @mina2"), None);
        assert_eq!(without_name("@미나가 왔다", "미나", "[gone]", true).as_deref(), Some("[gone]가 왔다"));
        assert_eq!(
            without_name("@미나가 @미나.", "미나", "[gone]", false).as_deref(),
            Some("@미나가 [gone].")
        );
        assert_eq!(without_name("@미나가", "미나가", "[gone]", true).as_deref(), Some("[gone]"));
    }

    #[test]
    fn everybody_is_mentioned_as_a_user_is() {
        for text in ["@all", "lunch, @ALL?", "(@all).", "@all님 @here", "@ａｌｌ", "@here @all"] {
            assert_eq!(everybody(text), Some(MentionAll::All), "{text}");
        }
        for text in ["@here", "who is @here?", "@here는"] {
            assert_eq!(everybody(text), Some(MentionAll::Here), "{text}");
        }
        for text in ["", "all", "@ all", "a@all", "@allan", "@all-hands", "@hereby", "all@here.org", "@al"] {
            assert_eq!(everybody(text), None, "{text}");
        }
        let late = format!("{}@all", "@mina ".repeat(MENTIONS_MAX));
        assert_eq!(everybody(&late), None, "a text has so many names");
    }

    #[test]
    fn names_are_bounded() {
        let text = "@mina ".repeat(MENTIONS_MAX + 5);
        assert_eq!(names(&text).len(), MENTIONS_MAX);
    }
}
