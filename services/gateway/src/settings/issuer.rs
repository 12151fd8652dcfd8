//! Settings of the embedding site's token issuer.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use jsonwebtoken::Algorithm;
use madang_kit::{Secret, StartError};

/// The fewest bytes of a secret: the size of the hash (RFC 7518, section 3.2).
const SECRET_MIN_BYTES: usize = 32;

/// Ten years. A longer lifetime of a token is more likely a mistake of the unit.
const TOKEN_SECONDS_MAX: u64 = 10 * 366 * 24 * 3_600;

/// A second token issuer, beside Madang's own auth service.
#[derive(Debug, Clone, Args)]
pub struct IssuerSettings {
    /// The signature algorithms of the embedding site's tokens: HS256 alone, or any of RS256, ES256 and
    /// EdDSA, separated by commas. Unset, only Madang's own tokens are accepted
    #[arg(long, env = "MADANG_ISSUER_ALGORITHMS", value_delimiter = ',', value_name = "NAMES")]
    pub issuer_algorithms: Vec<IssuerAlgorithm>,

    /// The `iss` that the site's tokens must have. Unset, any or none is accepted
    #[arg(long = "issuer", id = "issuer", env = "MADANG_ISSUER", value_name = "NAME")]
    pub issuer: Option<String>,

    /// The audience that the site's tokens must have in `aud`. Unset, a token with an `aud` is refused
    #[arg(long, env = "MADANG_ISSUER_AUDIENCE", value_name = "NAME")]
    pub issuer_audience: Option<String>,

    /// The shared secret for HS256: at least 32 bytes
    #[arg(long, env = "MADANG_ISSUER_SECRET", value_name = "SECRET")]
    pub issuer_secret: Option<Secret>,

    /// A file with the public keys as a JSON Web Key Set. The gateway reads it again every minute
    #[arg(long, env = "MADANG_ISSUER_JWKS_FILE", value_name = "FILE")]
    pub issuer_jwks_file: Option<PathBuf>,

    /// The URL of the public keys (JSON Web Key Set). The gateway fetches it every minute, and when a token
    /// names an unknown key
    #[arg(long, env = "MADANG_ISSUER_JWKS_URL", value_name = "URL")]
    pub issuer_jwks_url: Option<String>,

    /// The longest lifetime of the site's tokens, in seconds. A token without an issue time (`iat`) counts as issued
    /// so long before it expires. Unset, such a token is refused once its user has been disconnected
    #[arg(long, env = "MADANG_ISSUER_TOKEN_SECONDS", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=TOKEN_SECONDS_MAX))]
    pub issuer_token_seconds: Option<u64>,

    /// The claim with the site's own id of the user, a number or a text
    #[arg(long, env = "MADANG_ISSUER_USER_CLAIM", default_value = "sub", value_name = "CLAIM")]
    pub issuer_user_claim: String,

    /// The claim with the username
    #[arg(
        long,
        env = "MADANG_ISSUER_USERNAME_CLAIM",
        default_value = "preferred_username",
        value_name = "CLAIM"
    )]
    pub issuer_username_claim: String,

    /// The claim with the display name
    #[arg(long, env = "MADANG_ISSUER_NAME_CLAIM", default_value = "name", value_name = "CLAIM")]
    pub issuer_name_claim: String,

    /// The claim with the URL of the user's picture
    #[arg(long, env = "MADANG_ISSUER_AVATAR_CLAIM", default_value = "picture", value_name = "CLAIM")]
    pub issuer_avatar_claim: String,

    /// Claims and values that a token must have, such as `token_type=access`, separated by commas
    #[arg(long, env = "MADANG_ISSUER_REQUIRED_CLAIMS", value_delimiter = ',', value_name = "CLAIM=VALUE", value_parser = required_claim)]
    pub issuer_required_claims: Vec<(String, String)>,
}

/// A signature algorithm (RFC 7518, section 3.1; RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IssuerAlgorithm {
    /// HMAC with SHA-256. Whoever can verify can also sign.
    #[value(name = "HS256")]
    Hs256,
    /// RSA with SHA-256.
    #[value(name = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    #[value(name = "ES256")]
    Es256,
    /// Ed25519.
    #[value(name = "EdDSA")]
    EdDsa,
}

impl From<IssuerAlgorithm> for Algorithm {
    fn from(algorithm: IssuerAlgorithm) -> Self {
        match algorithm {
            IssuerAlgorithm::Hs256 => Self::HS256,
            IssuerAlgorithm::Rs256 => Self::RS256,
            IssuerAlgorithm::Es256 => Self::ES256,
            IssuerAlgorithm::EdDsa => Self::EdDSA,
        }
    }
}

/// The settings, checked against each other.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) keys: KeyPolicy,
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) claims: ClaimNames,
    pub(crate) required: BTreeMap<String, String>,
    /// The longest life of a token, for those that do not say when they were made.
    pub(crate) token_life: Option<Duration>,
}

/// The keys that verify tokens: a secret or public keys, never both. If a verifier took a public key as a
/// secret, everybody could sign (RFC 8725, section 2.1).
#[derive(Debug)]
pub(crate) enum KeyPolicy {
    Secret(Secret),
    Public { algorithms: Vec<Algorithm>, source: Source },
}

/// Where public keys come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    File(PathBuf),
    Url(reqwest::Url),
}

/// Which claims describe the user.
#[derive(Debug, Clone)]
pub(crate) struct ClaimNames {
    pub(crate) user: String,
    pub(crate) username: String,
    pub(crate) name: String,
    pub(crate) avatar: String,
}

impl IssuerSettings {
    /// The checked settings, or `None` if no algorithm is accepted.
    pub(crate) fn policy(&self) -> Result<Option<Policy>, StartError> {
        let Some(keys) = self.keys()? else { return Ok(None) };
        Ok(Some(Policy {
            keys,
            issuer: self.issuer.clone(),
            audience: self.issuer_audience.clone(),
            claims: ClaimNames {
                user: self.issuer_user_claim.clone(),
                username: self.issuer_username_claim.clone(),
                name: self.issuer_name_claim.clone(),
                avatar: self.issuer_avatar_claim.clone(),
            },
            required: self.issuer_required_claims.iter().cloned().collect(),
            token_life: self.issuer_token_seconds.map(Duration::from_secs),
        }))
    }

    fn keys(&self) -> Result<Option<KeyPolicy>, StartError> {
        const ALGORITHMS: &str = "MADANG_ISSUER_ALGORITHMS";
        const SECRET: &str = "MADANG_ISSUER_SECRET";
        const URL: &str = "MADANG_ISSUER_JWKS_URL";
        let source = match (&self.issuer_jwks_file, &self.issuer_jwks_url) {
            (Some(_), Some(_)) => {
                return Err(StartError::setting(URL, "set it or MADANG_ISSUER_JWKS_FILE, not both"));
            }
            (Some(file), None) => Some(Source::File(file.clone())),
            (None, Some(url)) => {
                Some(Source::Url(jwks_url(url).map_err(|why| StartError::setting(URL, why))?))
            }
            (None, None) => None,
        };
        let is_hmac = self.issuer_algorithms.contains(&IssuerAlgorithm::Hs256);
        match (self.issuer_algorithms.as_slice(), source, &self.issuer_secret) {
            ([], None, None) if self.issuer.is_none() => Ok(None),
            ([], _, _) => Err(StartError::setting(ALGORITHMS, "set the algorithms of the issuer's tokens")),
            ([IssuerAlgorithm::Hs256], None, Some(secret)) => match secret.expose().len() {
                SECRET_MIN_BYTES.. => Ok(Some(KeyPolicy::Secret(secret.clone()))),
                _ => Err(StartError::setting(SECRET, format!("must have {SECRET_MIN_BYTES} bytes or more"))),
            },
            ([IssuerAlgorithm::Hs256], ..) => {
                Err(StartError::setting(SECRET, "HS256 needs a secret and no public keys"))
            }
            _ if is_hmac => Err(StartError::setting(
                ALGORITHMS,
                "HS256 cannot be combined with other algorithms, since a public key could be used as its secret",
            )),
            (_, _, Some(_)) => Err(StartError::setting(SECRET, "only HS256 uses a secret")),
            (_, None, None) => Err(StartError::setting(
                URL,
                "set it or MADANG_ISSUER_JWKS_FILE to where the public keys are",
            )),
            (algorithms, Some(source), None) => {
                let algorithms = algorithms.iter().copied().map(Algorithm::from).collect();
                Ok(Some(KeyPolicy::Public { algorithms, source }))
            }
        }
    }
}

fn jwks_url(text: &str) -> Result<reqwest::Url, &'static str> {
    let url: reqwest::Url = text.parse().map_err(|_| "not a URL")?;
    if matches!(url.scheme(), "https" | "http") { Ok(url) } else { Err("must be an https or http address") }
}

fn required_claim(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((claim, value)) if !claim.is_empty() => Ok((claim.to_owned(), value.to_owned())),
        _ => Err("expected a claim and its value, such as token_type=access".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        settings: IssuerSettings,
    }

    fn policy(arguments: &[&str]) -> Result<Option<Policy>, String> {
        let arguments = std::iter::once(&"gateway").chain(arguments);
        Command::try_parse_from(arguments)
            .map_err(|error| error.to_string())?
            .settings
            .policy()
            .map_err(|error| error.to_string())
    }

    const SECRET: &str = "--issuer-secret=0123456789abcdef0123456789abcdef";
    const FILE: &str = "--issuer-jwks-file=keys.json";
    const URL: &str = "--issuer-jwks-url=https://example.org/keys";

    #[test]
    fn without_an_algorithm_there_is_no_issuer() {
        assert!(policy(&[]).unwrap().is_none());
        for half in [SECRET, FILE, URL, "--issuer=https://example.org"] {
            let refused = policy(&[half]).unwrap_err();
            assert!(refused.starts_with("MADANG_ISSUER_ALGORITHMS"), "{half}: {refused}");
        }
    }

    #[test]
    fn a_secret_and_public_keys_are_never_mixed() {
        let hmac = policy(&["--issuer-algorithms=HS256", SECRET]).unwrap().unwrap();
        assert!(matches!(hmac.keys, KeyPolicy::Secret(_)));
        let public = policy(&["--issuer-algorithms=RS256,ES256,EdDSA", URL]).unwrap().unwrap();
        assert!(matches!(public.keys, KeyPolicy::Public { algorithms, .. } if algorithms.len() == 3));
        for (arguments, name) in [
            (&["--issuer-algorithms=HS256,RS256", SECRET, FILE][..], "MADANG_ISSUER_ALGORITHMS"),
            (&["--issuer-algorithms=HS256,RS256", SECRET], "MADANG_ISSUER_ALGORITHMS"),
            (&["--issuer-algorithms=HS256", SECRET, FILE], "MADANG_ISSUER_SECRET"),
            (&["--issuer-algorithms=HS256"], "MADANG_ISSUER_SECRET"),
            (&["--issuer-algorithms=HS256", "--issuer-secret=short"], "MADANG_ISSUER_SECRET"),
            (&["--issuer-algorithms=RS256", SECRET, FILE], "MADANG_ISSUER_SECRET"),
            (&["--issuer-algorithms=RS256"], "MADANG_ISSUER_JWKS_URL"),
            (&["--issuer-algorithms=RS256", FILE, URL], "MADANG_ISSUER_JWKS_URL"),
            (&["--issuer-algorithms=RS256", "--issuer-jwks-url=ftp://x/"], "MADANG_ISSUER_JWKS_URL"),
        ] {
            let refused = policy(arguments).unwrap_err();
            assert!(refused.starts_with(name) && !refused.contains("0123"), "{arguments:?}: {refused}");
        }
        for unknown in ["none", "HS512", "RS512"] {
            assert!(policy(&[&format!("--issuer-algorithms={unknown}"), SECRET]).is_err(), "{unknown}");
        }
    }

    #[test]
    fn claims_are_required_by_name_and_value() {
        let read = |text: &str| {
            policy(&["--issuer-algorithms=HS256", SECRET, &format!("--issuer-required-claims={text}")])
        };
        let required = read("token_type=access,a=").unwrap().unwrap().required;
        assert_eq!(required.get("token_type").map(String::as_str), Some("access"));
        assert_eq!(required.get("a").map(String::as_str), Some(""));
        assert!(read("token_type").is_err() && read("=access").is_err());
    }
}
