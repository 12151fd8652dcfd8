//! What the properties of Unicode say of characters, as names and texts need it.

use unicode_normalization::{UnicodeNormalization as _, is_nfc};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// What ends the tags of a flag (UTS #51, section 1.4.9).
const TAG_END: char = '\u{e007f}';
/// The flag whose region tags may name.
const TAGGED_FLAG: char = '\u{1f3f4}';
/// The tags of the longest region that UTS #35 can name, which has five letters, and its end.
const FLAG_TAGS_MAX: usize = 6;

/// A text in Normalization Form C (UAX #15), so that what looks the same by composition is the same.
///
/// A text that is in the form already comes back as it is. Most are told by the ranges of their characters.
#[must_use]
pub fn to_nfc(text: String) -> String {
    if text.chars().all(is_settled) || is_nfc(&text) { text } else { text.nfc().collect() }
}

/// What somebody says in Normalization Form C, without the characters that only deceive: control characters other than
/// line breaks and tabs, what overrides the direction of text, and tags that belong to no flag.
///
/// Joiners, variation selectors, and the marks LRM, RLM and ALM stay: emoji and right-to-left texts need them. NUL
/// stays for the caller to refuse.
pub(crate) fn without_deceptions(text: String) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')) {
        return text;
    }
    if !text.contains(|c| is_dropped_from_texts(c) || is_tag(c)) {
        return to_nfc(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if is_dropped_from_texts(c) || is_tag(c) {
            continue;
        }
        kept.push(c);
        if c == TAGGED_FLAG {
            let tags = flag_tags(rest.as_str());
            kept.push_str(tags);
            rest = rest.as_str()[tags.len()..].chars();
        }
    }
    to_nfc(kept)
}

/// The tags at the beginning of a text that make another flag of the black one.
fn flag_tags(text: &str) -> &str {
    let is_region = |c: char| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    let region = text.find(|c| !is_region(c)).unwrap_or(text.len());
    let (tags, rest) = text.split_at(region);
    if tags.is_empty() || !rest.starts_with(TAG_END) || tags.chars().count() >= FLAG_TAGS_MAX {
        return "";
    }
    &text[..region + TAG_END.len_utf8()]
}

/// Characters that neither change in Normalization Form C nor combine with what stands before them: those of most
/// texts, found by a few comparisons. A test holds the ranges against the tables.
pub(crate) const fn is_settled(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{2ff}'
            | '\u{400}'..='\u{482}'
            | '\u{2010}'..='\u{2027}'
            | '\u{3041}'..='\u{3096}'
            | '\u{30a1}'..='\u{30fa}'
            | '\u{3131}'..='\u{318e}'
            | '\u{4e00}'..='\u{9fff}'
            | '가'..='힣'
            | '\u{ff01}'..='\u{ff9d}'
            | '\u{1f300}'..='\u{1faff}'
    )
}

const fn is_dropped_from_texts(c: char) -> bool {
    matches!(c, '\u{1}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}')
        || is_bidi_control(c)
}

/// The embeddings, overrides and isolates of the bidirectional algorithm (UAX #9, section 2).
pub(crate) const fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The tags, with which a text can carry another one that nobody sees.
pub(crate) const fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// `Default_Ignorable_Code_Point` (UAX #44): shows nothing where it is not understood. Unicode reserves the ranges ahead,
/// so that the list is stable.
pub(crate) const fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether a character shows something by itself: no blank, no filler, no control, and no mark without its letter.
pub(crate) fn is_visible(c: char) -> bool {
    use GeneralCategory as G;
    if matches!(c, '!'..='~' | '가'..='힣') {
        return true;
    }
    // The Braille pattern without a dot is a symbol, and blank.
    if is_ignorable(c) || c == '\u{2800}' {
        return false;
    }
    !matches!(
        c.general_category(),
        G::Control
            | G::Format
            | G::Surrogate
            | G::PrivateUse
            | G::Unassigned
            | G::SpaceSeparator
            | G::LineSeparator
            | G::ParagraphSeparator
            | G::NonspacingMark
            | G::EnclosingMark
            | G::SpacingMark
    )
}

/// Whether a character shows something in a text, where a code point without a character passes: a younger version of
/// Unicode may have made an emoji of it, which its sender sees.
pub(crate) fn is_visible_in_texts(c: char) -> bool {
    let is_noncharacter = matches!(c, '\u{fdd0}'..='\u{fdef}') || c as u32 & 0xfffe == 0xfffe;
    is_visible(c)
        || (c.general_category() == GeneralCategory::Unassigned && !is_ignorable(c) && !is_noncharacter)
}

/// Blanks and what looks like one. At the ends of a name they are nothing of it.
pub(crate) fn is_blank(c: char) -> bool {
    let keeps_its_neighbours = matches!(c, '\u{200c}'..='\u{200f}' | '\u{61c}' | '\u{fe00}'..='\u{fe0f}');
    c.is_whitespace()
        || c == '\u{2800}'
        || (is_ignorable(c) && !keeps_its_neighbours && !is_bidi_control(c) && !is_tag(c))
}

/// Why a name must not hold a character; none of what it may.
pub(crate) fn problem_in_names(c: char) -> Option<&'static str> {
    if matches!(c, ' '..='~' | '가'..='힣') {
        return None;
    }
    if is_bidi_control(c) || matches!(c, '\u{206a}'..='\u{206f}') {
        return Some("holds a character that overrides the direction of text");
    }
    if is_tag(c) {
        return Some("holds a tag character, which nobody sees");
    }
    match c.general_category() {
        GeneralCategory::Control | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator => {
            Some("must not contain control characters")
        }
        GeneralCategory::Unassigned => Some("holds a code point to which Unicode has assigned no character"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use unicode_normalization::{IsNormalized, char::canonical_combining_class, is_nfc_quick};

    use super::*;

    #[test]
    fn the_quick_ranges_are_settled_by_the_tables() {
        for c in ('\0'..=char::MAX).filter(|c| is_settled(*c)) {
            assert_eq!(canonical_combining_class(c), 0, "{:x}", c as u32);
            assert_eq!(is_nfc_quick([c].into_iter()), IsNormalized::Yes, "{:x}", c as u32);
        }
    }

    #[test]
    fn what_is_composed_already_is_not_copied() {
        for text in ["hello", "안녕하세요, ㅋㅋ 😀", "Привет", "สวัสดี", "नमस्ते"]
        {
            let text = text.to_owned();
            let place = text.as_ptr();
            let text = without_deceptions(text);
            assert_eq!(text.as_ptr(), place);
        }
    }

    #[test]
    fn a_text_loses_what_deceives_and_nothing_else() {
        let kept = [
            "가족 👨‍👩‍👧‍👦 ❤️ 👍🏽",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "שלום \u{200f}(עולם)\u{200f} אחד",
            "می‌خواهم",
            "क्‍ष",
            "two\r\nlines\tand a tab",
            "1\u{fe0f}\u{20e3}",
        ];
        for text in kept {
            assert_eq!(without_deceptions(text.to_owned()), text);
        }
        for (text, left) in [
            ("safe\u{202e}txt.exe\u{202c}", "safetxt.exe"),
            ("\u{2066}a\u{2069}b", "ab"),
            ("a\u{1b}[31mb\u{7}\u{85}\u{7f}", "a[31mb"),
            ("a\u{e0041}\u{e0042}b", "ab"),
            ("🏴\u{e0067}\u{e0062}", "🏴"),
            ("🏴\u{e0061}\u{e0062}\u{e0063}\u{e0064}\u{e0065}\u{e0066}\u{e007f}", "🏴"),
            ("e\u{202e}\u{301}", "é"),
        ] {
            assert_eq!(without_deceptions(text.to_owned()), left, "{text:?}");
        }
    }

    #[test]
    fn fillers_blanks_and_lone_marks_are_not_visible() {
        for c in "\u{3164}\u{115f}\u{1160}\u{ffa0}\u{200b}\u{2800}\u{202e}\u{301}\u{3000}\u{378}\u{e000}\u{fe0f}\u{200d}".chars() {
            assert!(!is_visible(c), "{:x}", c as u32);
        }
        for c in "a가ㅋ7-é字😀🇰#".chars() {
            assert!(is_visible(c), "{c}");
        }
    }
}
