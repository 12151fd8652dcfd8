//! What a gateway is told of the embedding site's issuer of tokens.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use jsonwebtoken::Algorithm;
use madang_kit::{Secret, StartError};

/// The least bytes of a secret: as many as the hash has (RFC 7518, section 3.2).
const SECRET_MIN_BYTES: usize = 32;

/// Ten years: a longer life of a token is more likely a mistake of unit.
const TOKEN_SECONDS_MAX: u64 = 10 * 366 * 24 * 3_600;

/// Another issuer of tokens than this project's own auth service.
#[derive(Debug, Clone, Args)]
pub struct IssuerSettings {
    /// The signature algorithms that the embedding site's tokens may have: HS256 alone, or some of RS256, ES256 and
    /// EdDSA, separated by commas. Without any, only this project's own tokens are accepted.
    #[arg(long, env = "MADANG_ISSUER_ALGORITHMS", value_delimiter = ',', value_name = "NAMES")]
    pub issuer_algorithms: Vec<IssuerAlgorithm>,

    /// What the site's tokens must have as `iss`; without it, any or none
    #[arg(long = "issuer", id = "issuer", env = "MADANG_ISSUER", value_name = "NAME")]
    pub issuer: Option<String>,

    /// What the site's tokens must have among their `aud`; without it, a token that has any is refused
    #[arg(long, env = "MADANG_ISSUER_AUDIENCE", value_name = "NAME")]
    pub issuer_audience: Option<String>,

    /// The secret of HS256, of 32 bytes or more
    #[arg(long, env = "MADANG_ISSUER_SECRET", value_name = "SECRET")]
    pub issuer_secret: Option<Secret>,

    /// A file with the public keys, a JSON Web Key Set; read again each minute
    #[arg(long, env = "MADANG_ISSUER_JWKS_FILE", value_name = "FILE")]
    pub issuer_jwks_file: Option<PathBuf>,

    /// Where the public keys are fetched, each minute and when a token names one that is not known
    #[arg(long, env = "MADANG_ISSUER_JWKS_URL", value_name = "URL")]
    pub issuer_jwks_url: Option<String>,

    /// How long the site's tokens are good at most, in seconds, for those that do not say when they were made (`iat`): they
    /// count as made so long before they expire. Without it, such a token is refused once its user has been disconnected
    #[arg(long, env = "MADANG_ISSUER_TOKEN_SECONDS", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=TOKEN_SECONDS_MAX))]
    pub issuer_token_seconds: Option<u64>,

    /// The claim that names the user, by a number or a text: what the site calls the user
    #[arg(long, env = "MADANG_ISSUER_USER_CLAIM", default_value = "sub", value_name = "CLAIM")]
    pub issuer_user_claim: String,

    /// The claim that the username is taken from
    #[arg(
        long,
        env = "MADANG_ISSUER_USERNAME_CLAIM",
        default_value = "preferred_username",
        value_name = "CLAIM"
    )]
    pub issuer_username_claim: String,

    /// The claim that the name to show is taken from
    #[arg(long, env = "MADANG_ISSUER_NAME_CLAIM", default_value = "name", value_name = "CLAIM")]
    pub issuer_name_claim: String,

    /// The claim that the picture's address is taken from
    #[arg(long, env = "MADANG_ISSUER_AVATAR_CLAIM", default_value = "picture", value_name = "CLAIM")]
    pub issuer_avatar_claim: String,

    /// Claims that a token must have with these values, such as `token_type=access`, separated by commas
    #[arg(long, env = "MADANG_ISSUER_REQUIRED_CLAIMS", value_delimiter = ',', value_name = "CLAIM=VALUE", value_parser = required_claim)]
    pub issuer_required_claims: Vec<(String, String)>,
}

/// A signature algorithm (RFC 7518, section 3.1; RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IssuerAlgorithm {
    /// HMAC with SHA-256: whoever verifies could sign, too.
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

/// What tokens are verified with. Never a secret and public keys both: a public key that is taken for a secret
/// lets everybody sign (RFC 8725, section 2.1).
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
    /// What is to be accepted; none where no algorithm is.
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
            ([], _, _) => {
                Err(StartError::setting(ALGORITHMS, "name what the issuer's tokens may be signed with"))
            }
            ([IssuerAlgorithm::Hs256], None, Some(secret)) => match secret.expose().len() {
                SECRET_MIN_BYTES.. => Ok(Some(KeyPolicy::Secret(secret.clone()))),
                _ => Err(StartError::setting(SECRET, format!("must have {SECRET_MIN_BYTES} bytes or more"))),
            },
            ([IssuerAlgorithm::Hs256], ..) => {
                Err(StartError::setting(SECRET, "HS256 needs it, and no set of public keys beside it"))
            }
            _ if is_hmac => Err(StartError::setting(
                ALGORITHMS,
                "HS256 stands alone: where public keys are accepted too, one could be taken for its secret",
            )),
            (_, _, Some(_)) => Err(StartError::setting(SECRET, "is of HS256 alone")),
            (_, None, None) => Err(StartError::setting(
                URL,
                "it or MADANG_ISSUER_JWKS_FILE must say where the public keys are",
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
        _ => Err("a claim and its value are expected, such as token_type=access".to_owned()),
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
