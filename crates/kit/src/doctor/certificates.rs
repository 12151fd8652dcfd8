//! When certificates end.

use std::{path::Path, time::Duration};

use madang_domain::Timestamp;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

use super::Finding;
use crate::config::Explained;

const ABOUT: &str = "Certificates";
const CHECK: &str = "certificate.end";

/// What the variables of files with certificates end with.
const SUFFIXES: [&str; 2] = ["_CERTIFICATE_FILE", "_CA_FILE"];

/// Ends within this, and nobody may have renewed it: what renews certificates by itself does so earlier.
const SOON: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Looks at each file with certificates that the settings name.
pub(crate) fn certificates(settings: &[Explained], now: Timestamp) -> Vec<Finding> {
    let named =
        settings.iter().filter(|setting| SUFFIXES.iter().any(|suffix| setting.variable.ends_with(suffix)));
    named
        .filter_map(|setting| {
            let path = setting.value.as_deref().filter(|path| !path.is_empty())?;
            Some(file(&setting.variable, Path::new(path), now))
        })
        .collect()
}

/// The certificate of a file that ends first.
fn file(variable: &str, path: &Path, now: Timestamp) -> Finding {
    let shown = path.display();
    let advice = "name a file with certificates in PEM that the account of the process may read";
    let all = match CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(all) => all,
        Err(error) => {
            return Finding::error(
                CHECK,
                ABOUT,
                format!("{variable}: {shown} cannot be read: {error}"),
                advice,
            );
        }
    };
    let ends: Option<Vec<i64>> = all.iter().map(|certificate| end_seconds(certificate)).collect();
    let Some(first) = ends.as_ref().and_then(|ends| ends.iter().min()) else {
        return Finding::error(CHECK, ABOUT, format!("{variable}: {shown} holds no certificate"), advice);
    };
    let end = Timestamp::from_micros(first.saturating_mul(1_000_000));
    let left = end.as_micros().saturating_sub(now.as_micros());
    let says = format!("{variable}: {shown} is valid until {end}");
    let renew = "renew it; a process that runs takes the new file without a restart";
    if left <= 0 {
        Finding::error(CHECK, ABOUT, format!("{variable}: {shown} was valid until {end}"), renew)
    } else if u128::try_from(left).unwrap_or(0) < SOON.as_micros() {
        Finding::warning(CHECK, ABOUT, says, renew)
    } else {
        Finding::ok(CHECK, ABOUT, says)
    }
}

/// When a certificate (RFC 5280, section 4.1) ends, in seconds since 1970. A parser of all that a certificate may hold
/// would be a dozen crates in every service, for one field of it.
fn end_seconds(certificate: &[u8]) -> Option<i64> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (tag, certificate, _) = element(certificate)?;
    let (_, signed, _) = element(certificate).filter(|_| tag == SEQUENCE)?;
    let (tag, _, after_first) = element(signed)?;
    // The version may be absent, and the serial number is first then.
    let rest = if tag == VERSION { element(after_first)?.2 } else { after_first };
    // The algorithm and the issuer, then the validity.
    let (_, _, rest) = element(rest)?;
    let (_, _, rest) = element(rest)?;
    let (_, validity, _) = element(rest)?;
    let (_, _, rest) = element(validity)?;
    let (tag, end, _) = element(rest)?;
    time(tag, std::str::from_utf8(end).ok()?)
}

/// The first element of DER: its tag, what is in it, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length >= 0x80 {
        let count = length & 0x7f;
        let (bytes, after) = rest.split_at_checked(count).filter(|_| (1..=4).contains(&count))?;
        length = bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
        rest = after;
    }
    let (inside, after) = rest.split_at_checked(length)?;
    Some((*tag, inside, after))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &str) -> Option<i64> {
    const SHORT: u8 = 0x17;
    let digits = text.strip_suffix('Z').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let digits = match (tag, digits.len()) {
        (SHORT, 12) => format!("{}{digits}", if digits < "50" { "20" } else { "19" }),
        (_, 14) => digits.to_owned(),
        _ => return None,
    };
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    // The days since 1970 of the proleptic Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_era = year.rem_euclid(400);
    let days =
        year.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468;
    Some(days * 86_400 + number(8, 10)? * 3_600 + number(10, 12)? * 60 + number(12, 14)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Origin, doctor::Level};

    /// Made by `openssl req -x509`, valid until the END below.
    const CERTIFICATE: &str = include_str!("certificates/test.pem");
    const END: i64 = 1798567743;

    fn found(text: &str, now: Timestamp) -> Finding {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tls.crt");
        std::fs::write(&path, text).unwrap();
        let setting = Explained {
            heading: String::new(),
            variable: "MADANG_TLS_CERTIFICATE_FILE".to_owned(),
            value: Some(path.display().to_string()),
            origin: Origin::Default,
        };
        let found = certificates(&[setting], now);
        assert_eq!(found.len(), 1);
        found.into_iter().next().unwrap()
    }

    #[test]
    fn a_certificate_is_good_until_it_ends() {
        let before = |seconds: i64| Timestamp::from_micros((END - seconds) * 1_000_000);
        assert_eq!(found(CERTIFICATE, before(8 * 86_400)).level, Level::Ok);
        assert_eq!(found(CERTIFICATE, before(6 * 86_400)).level, Level::Warning);
        assert_eq!(found(CERTIFICATE, before(0)).level, Level::Error);
        assert_eq!(found("nothing", before(0)).level, Level::Error);
        assert_eq!(
            found("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", before(0)).level,
            Level::Error
        );
    }

    #[test]
    fn times_of_both_forms_are_read() {
        assert_eq!(time(0x17, "700101000000Z"), Some(0));
        assert_eq!(time(0x17, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(time(0x18, "20500101000000Z"), Some(2_524_608_000));
        assert_eq!(time(0x18, "20240229120000Z"), Some(1_709_208_000));
        assert_eq!(time(0x17, "7001010000Z"), None);
        assert_eq!(element(&[0x30, 0x82, 0xff]), None);
    }
}
