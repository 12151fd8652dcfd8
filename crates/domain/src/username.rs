//! The names that users sign in with and are mentioned by: RFC 8265, `UsernameCaseMapped`, and UTS #39 against look-alikes.
//!
//! The order is that of RFC 8264, section 7: width, case, normalization, direction, and then the class of each character.
//! `docs/decisions/0032-usernames-by-precis.md` has the reasons for doing it here.

use unicode_bidi::{BidiClass, bidi_class};
use unicode_normalization::{UnicodeNormalization as _, char::decompose_compatible};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};
use unicode_script::UnicodeScript as _;
use unicode_security::{GeneralSecurityProfile as _, skeleton};

use crate::{
    TextError,
    bounded::bounded_text,
    limits::USERNAME_MAX_CHARS,
    unicode::{is_blank, is_ignorable, to_nfc},
};

/// The fewest characters.
const USERNAME_MIN_CHARS: usize = 2;

const FIELD: &str = "username";

bounded_text!(
    /// The name that a user signs in with and is mentioned by, in the form that RFC 8265 gives it
    /// (`UsernameCaseMapped`): lower case, Normalization Form C, 2 to 32 letters, marks and digits of any script, `_`, `.`
    /// and `-`. Two that differ in case, in composition, in width, or in blanks around them are the same.
    Username,
    |text| {
        let text = mapped(&text);
        check(&text)?;
        Ok(text)
    }
);

impl Username {
    /// A username that was accepted before: in the present form where it can have it, else as it is. For what was
    /// recorded by an earlier version, whose rule was another, and for signing in by it.
    ///
    /// # Errors
    /// When no version accepted it.
    pub fn recorded(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        match Self::new(text.as_str()) {
            Ok(name) => Ok(name),
            Err(error) => {
                let text = text.trim().to_lowercase();
                let is_of_old = (USERNAME_MIN_CHARS..=USERNAME_MAX_CHARS).contains(&text.chars().count())
                    && text.chars().all(|c| c.is_alphanumeric() || is_joint(c));
                if is_of_old { Ok(Self(text.into_boxed_str())) } else { Err(error) }
            }
        }
    }

    /// The username nearest to a text, with `-` for what no username holds; none where nothing comes of it.
    #[must_use]
    pub fn near(text: &str) -> Option<Self> {
        let near: String = mapped(text)
            .chars()
            .map(|c| if is_of_class(c) { c } else { '-' })
            .take(USERNAME_MAX_CHARS)
            .collect();
        let left_to_right =
            || near.chars().map(|c| if is_right_to_left(c) { '-' } else { c }).collect::<String>();
        Self::new(near.as_str()).or_else(|_| Self::new(left_to_right())).ok()
    }

    /// Whether a character may stand in a username as people write it.
    #[must_use]
    pub fn may_hold(c: char) -> bool {
        c.is_alphanumeric() || is_joint(c) || is_mark(c)
    }

    /// What the username looks like, for telling it from those that look the same (UTS #39, section 4).
    ///
    /// Two usernames have one skeleton where a character of one looks like that of another script in the other. A
    /// letter stays as it is beside look-alikes of its own script, `1` beside `l` and `rn` beside `m`: who reads a script
    /// tells them apart. Letters that UTS #39 restricts, such as phonetic ones, stand for what they look like.
    #[must_use]
    pub fn skeleton(&self) -> String {
        let mut seen = String::with_capacity(self.len());
        let mut buffer = [0; 4];
        for c in self.chars() {
            if c.is_ascii() || matches!(c, '가'..='힣') {
                seen.push(c);
                continue;
            }
            let scripts = c.script_extension();
            let alike: String = skeleton(c.encode_utf8(&mut buffer)).collect();
            let is_at_home = c.identifier_allowed()
                && alike.chars().all(|c| !c.script_extension().intersection(scripts).is_empty());
            if is_at_home {
                seen.push(c);
            } else {
                seen.push_str(&alike.to_lowercase());
            }
        }
        to_nfc(seen)
    }
}

/// RFC 8265, section 3.3.2: width, case and normalization. Blanks around a name are nothing of it.
fn mapped(text: &str) -> String {
    let text = text.trim_matches(is_blank);
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut narrow = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\u{ff01}'..='\u{ffef}') {
            decompose_compatible(c, |c| narrow.push(c));
        } else {
            narrow.push(c);
        }
    }
    to_nfc(narrow.to_lowercase())
}

fn check(text: &str) -> Result<(), TextError> {
    if !(USERNAME_MIN_CHARS..=USERNAME_MAX_CHARS).contains(&text.chars().count()) {
        return Err(TextError::new(
            FIELD,
            format!("must have {USERNAME_MIN_CHARS} to {USERNAME_MAX_CHARS} characters"),
        ));
    }
    if !text.chars().all(is_of_class) || text.starts_with(is_mark) {
        return Err(TextError::new(FIELD, "may contain only letters, digits, '_', '.' and '-'"));
    }
    if text.is_ascii() {
        return Ok(());
    }
    let holds = |digits: std::ops::RangeInclusive<char>| text.contains(|c| digits.contains(&c));
    if holds('\u{660}'..='\u{669}') && holds('\u{6f0}'..='\u{6f9}') {
        return Err(TextError::new(FIELD, "mixes two kinds of Arabic digits"));
    }
    if !satisfies_bidi_rule(text) {
        return Err(TextError::new(
            FIELD,
            "mixes letters written from left to right and from right to left, which could be misread",
        ));
    }
    Ok(())
}

const fn is_joint(c: char) -> bool {
    matches!(c, '_' | '.' | '-')
}

fn is_mark(c: char) -> bool {
    matches!(
        c.general_category(),
        GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::EnclosingMark
    )
}

/// The characters of the IdentifierClass (RFC 8264, section 4.2) that usernames take. Of ASCII these are fewer, and none
/// is valid by its context alone but digits: joiners and middle dots are left out.
fn is_of_class(c: char) -> bool {
    use GeneralCategory as G;
    match c {
        'a'..='z' | '0'..='9' | '_' | '.' | '-' | '가'..='힣' => return true,
        '\0'..='\u{7f}' => return false,
        // RFC 8264, section 9.6.
        '\u{df}' | '\u{3c2}' | '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '\u{3007}' => return true,
        '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}' => {
            return false;
        }
        // OldHangulJamo (section 9.9).
        '\u{1100}'..='\u{11ff}'
        | '\u{a960}'..='\u{a97c}'
        | '\u{d7b0}'..='\u{d7c6}'
        | '\u{d7cb}'..='\u{d7fb}' => {
            return false;
        }
        _ => {}
    }
    // PrecisIgnorableProperties and HasCompat (sections 9.13 and 9.17), then LetterDigits (section 9.1).
    !is_ignorable(c)
        && c.nfkc().eq([c])
        && matches!(
            c.general_category(),
            G::LowercaseLetter
                | G::UppercaseLetter
                | G::OtherLetter
                | G::ModifierLetter
                | G::DecimalNumber
                | G::NonspacingMark
                | G::SpacingMark
        )
}

fn is_right_to_left(c: char) -> bool {
    matches!(bidi_class(c), BidiClass::R | BidiClass::AL | BidiClass::AN)
}

/// The Bidi Rule (RFC 5893, section 2), which holds for names with any character that is written from right to left.
fn satisfies_bidi_rule(text: &str) -> bool {
    use BidiClass as B;
    if !text.contains(is_right_to_left) {
        return true;
    }
    // A name that begins from left to right holds nothing that goes the other way.
    if !text.chars().next().is_some_and(|c| matches!(bidi_class(c), B::R | B::AL)) {
        return false;
    }
    let classes = || text.chars().map(bidi_class);
    let is_allowed = |class| {
        matches!(class, B::R | B::AL | B::AN | B::EN | B::ES | B::CS | B::ET | B::ON | B::BN | B::NSM)
    };
    let last = classes().rfind(|class| *class != B::NSM);
    classes().all(is_allowed)
        && matches!(last, Some(B::R | B::AL | B::EN | B::AN))
        && !(classes().any(|class| class == B::EN) && classes().any(|class| class == B::AN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> String {
        Username::new(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).into_string()
    }

    fn looks(text: &str) -> String {
        Username::new(text).unwrap().skeleton()
    }

    #[test]
    fn one_name_has_one_form() {
        assert_eq!(name("Mina.Kim"), "mina.kim");
        assert_eq!(name("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"), "한글");
        assert_eq!(name("jose\u{301}"), "josé");
        assert_eq!(name("JOSÉ"), "josé");
        assert_eq!(name("ｍｉｎａ＿７"), "mina_7");
        assert_eq!(name("ｶﾞｸ"), "ガク");
        assert_eq!(name(" mina\u{a0}\u{200b}"), "mina");
        assert_eq!(name("हिन्दी"), "हिन्दी");
        assert_eq!(name("שלום"), "שלום");
        assert_eq!(name("미나mina7"), "미나mina7");
    }

    #[test]
    fn what_is_no_username_is_refused() {
        for text in [
            "",
            "a",
            "a b",
            "a@b",
            &"가".repeat(33),
            "\u{3164}\u{3164}",
            "\u{115f}\u{1160}",
            "\u{ffa0}\u{ffa0}",
            "mi\u{3164}na",
            "mi\u{200b}na",
            "mi\u{200d}na",
            "mi\u{202e}na",
            "\u{2800}\u{2800}",
            "mina\u{e0041}",
            "mina\u{378}",
            "mina\u{e000}",
            "ㅋㅋ",
            "①②",
            "\u{301}\u{301}",
            "mina✓",
            "ab\u{5d0}",
            "\u{5d0}b\u{5d1}",
            "\u{661}\u{6f1}\u{627}",
        ] {
            assert!(Username::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_form_of_a_form_is_itself() {
        for c in ('\0'..='\u{3ffff}').filter(|c| !matches!(c, '가'..='힣')) {
            for text in [format!("a{c}a"), format!("\u{5d0}{c}\u{5d0}")] {
                if let Ok(once) = Username::new(text) {
                    assert_eq!(Username::new(once.as_str()), Ok(once.clone()), "{:x}", c as u32);
                }
            }
        }
    }

    #[test]
    fn what_an_earlier_version_accepted_is_read() {
        for text in ["ㅋㅋ", "\u{3164}\u{3164}", "ab\u{5d0}", "①②"] {
            assert!(Username::new(text).is_err());
            assert_eq!(Username::recorded(text).unwrap().as_str(), text);
        }
        assert_eq!(
            Username::recorded("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}").unwrap().as_str(),
            "한글"
        );
        for text in ["a b", "a", "\u{200b}\u{200b}"] {
            assert!(Username::recorded(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_that_does_not_fit_has_one_near_to_it() {
        let near = |text: &str| Username::near(text).map(Username::into_string);
        assert_eq!(near("Kim Mina@example.com").as_deref(), Some("kim-mina-example.com"));
        assert_eq!(near("user-\u{5d0}\u{5d1}").as_deref(), Some("user---"));
        assert_eq!(near("ㅋㅋ").as_deref(), Some("--"));
        assert_eq!(near("x"), None);
    }

    #[test]
    fn look_alikes_of_other_scripts_have_one_skeleton() {
        // Cyrillic, Greek, the phonetic letters, Armenian, and Katakana beside Han.
        for (one, other) in [
            ("paypal", "р\u{430}ypal"),
            ("paypal", "\u{440}\u{430}\u{443}\u{440}\u{430}l"),
            ("mina", "min\u{3b1}"),
            ("google", "goo\u{261}le"),
            ("soho", "\u{455}\u{3bf}h\u{585}"),
            ("bërta", "b\u{451}rta"),
            ("力口", "カロ"),
            ("user-1a", "user-1\u{430}"),
        ] {
            assert_ne!(name(one), name(other));
            assert_eq!(looks(one), looks(other), "{one} {other}");
        }
    }

    #[test]
    fn who_writes_one_script_keeps_all_of_its_names() {
        for (one, other) in [
            ("mina1", "minal"),
            ("corn", "com"),
            ("jose", "josé"),
            ("kadir", "kad\u{131}r"),
            ("각가", "가까"),
            ("각가a", "가까a"),
            ("user-0", "user-o"),
            ("미나mina", "미나mima"),
            ("иван", "нван"),
        ] {
            assert_ne!(looks(one), looks(other), "{one} {other}");
        }
        assert_eq!(looks("미나mina"), "미나mina");
    }
}
