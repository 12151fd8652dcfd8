//! Which names in certificates are which service.

use std::str::FromStr;

use madang_domain::{ServiceName, UnknownService};
use rustls::pki_types::CertificateDer;

/// What a URI begins with; any other name is a DNS name.
const URI_SCHEME: &str = "spiffe://";

/// A name, and the service that has it: `gateway=spiffe://madang/gateway` or `auth=madang-auth.madang.svc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerName {
    service: ServiceName,
    name: String,
}

/// A text that says no service's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPeerName {
    /// There is no `=`.
    #[error("expected SERVICE=NAME, such as gateway=spiffe://madang/gateway")]
    Form,
    /// There is no such service.
    #[error(transparent)]
    Service(#[from] UnknownService),
    /// A wildcard would be anybody's.
    #[error("expected a URI such as spiffe://madang/gateway, or a DNS name without a wildcard")]
    Name,
}

impl FromStr for PeerName {
    type Err = InvalidPeerName;

    fn from_str(text: &str) -> Result<Self, InvalidPeerName> {
        let (service, name) = text.trim().split_once('=').ok_or(InvalidPeerName::Form)?;
        let service = service.trim().parse()?;
        let name = name.trim();
        let is_uri = name.strip_prefix(URI_SCHEME).is_some_and(|rest| !rest.is_empty());
        let is_dns = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        if !is_uri && !is_dns {
            return Err(InvalidPeerName::Name);
        }
        Ok(Self { service, name: name.to_owned() })
    }
}

/// The names of all services.
#[derive(Debug, Clone)]
pub(super) struct PeerNames(Vec<PeerName>);

impl PeerNames {
    pub(super) fn new(names: Vec<PeerName>) -> Self {
        Self(names)
    }

    /// Whether the service has a name.
    pub(super) fn has(&self, service: ServiceName) -> bool {
        self.0.iter().any(|peer| peer.service == service)
    }

    /// The service that a certificate names. None where it names none, or more than one.
    pub(super) fn service_of(&self, certificate: &CertificateDer<'_>) -> Option<ServiceName> {
        let names = names_in(certificate);
        let known = names.iter().flat_map(|name| self.0.iter().filter(move |peer| peer.is(name)));
        let mut services = known.map(|peer| peer.service);
        let first = services.next()?;
        services.all(|other| other == first).then_some(first)
    }

    /// What a certificate names, for a message.
    pub(super) fn shown(&self, certificate: &CertificateDer<'_>) -> String {
        match (self.service_of(certificate), names_in(certificate)) {
            (Some(service), _) => service.to_string(),
            (None, names) if names.is_empty() => "nobody".to_owned(),
            (None, names) => names.into_iter().take(4).collect::<Vec<_>>().join(", "),
        }
    }
}

impl PeerName {
    /// A URI counts by each letter, a DNS name in either case.
    fn is(&self, name: &str) -> bool {
        self.name == name || !name.starts_with(URI_SCHEME) && self.name.eq_ignore_ascii_case(name)
    }
}

/// The URIs and DNS names of a certificate.
fn names_in(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok(parsed) = webpki::EndEntityCert::try_from(certificate) else { return Vec::new() };
    parsed.valid_uri_names().chain(parsed.valid_dns_names()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn certificate(names: &[&str]) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::default();
        parameters.subject_alt_names = names
            .iter()
            .map(|name| {
                let text = (*name).try_into().unwrap();
                if name.contains("://") { SanType::URI(text) } else { SanType::DnsName(text) }
            })
            .collect();
        parameters.self_signed(&key).unwrap().der().clone()
    }

    fn names() -> PeerNames {
        let names =
            ["gateway=spiffe://madang/gateway", "auth=spiffe://madang/auth", "auth=madang-auth.madang.svc"];
        PeerNames::new(names.iter().map(|name| name.parse().unwrap()).collect())
    }

    #[test]
    fn a_certificate_names_its_service_by_a_uri_or_a_dns_name() {
        for (given, service) in [
            (&["spiffe://madang/gateway"][..], Some(ServiceName::Gateway)),
            (&["madang-auth.madang.svc"], Some(ServiceName::Auth)),
            (&["Madang-Auth.madang.svc", "spiffe://madang/auth", "other.test"], Some(ServiceName::Auth)),
            (&["spiffe://madang/gateway", "spiffe://madang/auth"], None),
            (&["spiffe://other/gateway"], None),
            (&["spiffe://madang/gateway/more"], None),
            (&["spiffe://madang/Gateway"], None),
            (&["https://madang/gateway"], None),
            (&["madang-auth.madang.svc.evil.test"], None),
            (&["*.madang.svc"], None),
            (&[], None),
        ] {
            assert_eq!(names().service_of(&certificate(given)), service, "{given:?}");
        }
    }

    #[test]
    fn a_setting_says_one_name_of_one_service() {
        for wrong in [
            "gateway",
            "store=spiffe://madang/store",
            "auth=",
            "auth=*.madang.svc",
            "auth=https://x",
            "auth=spiffe://",
        ] {
            assert!(wrong.parse::<PeerName>().is_err(), "{wrong}");
        }
        assert!(
            "message-store = spiffe://cluster.local/ns/madang/sa/madang-message-store"
                .parse::<PeerName>()
                .is_ok()
        );
    }
}
