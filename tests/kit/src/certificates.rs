//! Certificates for a test, made when it runs: nothing here ends on a day.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};

use crate::disk::data_directory;
use crate::error::{Error, Result};
use crate::service::Program;

/// An authority that signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A certificate with its key, in PEM.
#[derive(Debug, Clone)]
pub struct IssuedCertificate {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// The files of a certificate, as the settings name them.
#[derive(Debug, Clone)]
pub struct CertificateFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities.
    pub authorities: PathBuf,
}

impl Authority {
    /// A fresh authority.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(name: &str) -> Result<Self> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed)?;
        CertifiedIssuer::self_signed(parameters, key).map(Self).map_err(failed)
    }

    /// Its own certificate in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate with these names: a URI, an IP address or a DNS name each.
    ///
    /// # Errors
    /// When a name is none.
    pub fn issue(&self, names: &[&str]) -> Result<IssuedCertificate> {
        self.issue_with(names, |_| {})
    }

    /// A certificate whose time is over.
    ///
    /// # Errors
    /// The same.
    pub fn issue_ended(&self, names: &[&str]) -> Result<IssuedCertificate> {
        self.issue_with(names, |parameters| parameters.not_after = date_time_ymd(2020, 1, 1))
    }

    /// A certificate that ends at a time.
    ///
    /// # Errors
    /// The same.
    pub fn issue_until(&self, names: &[&str], end: SystemTime) -> Result<IssuedCertificate> {
        self.issue_with(names, |parameters| parameters.not_after = end.into())
    }

    fn issue_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Result<IssuedCertificate> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, "madang test");
        parameters.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        for name in names {
            let name = match name.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) if name.contains("://") => SanType::URI((*name).try_into().map_err(failed)?),
                Err(_) => SanType::DnsName((*name).try_into().map_err(failed)?),
            };
            parameters.subject_alt_names.push(name);
        }
        change(&mut parameters);
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = parameters.signed_by(&key, &self.0).map_err(failed)?;
        Ok(IssuedCertificate { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl CertificateFiles {
    /// Writes a certificate and the authorities into files of a directory, which begin with `name`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(
        directory: &Path,
        name: &str,
        issued: &IssuedCertificate,
        authorities: &[&Authority],
    ) -> Result<Self> {
        let file = |what: &str| directory.join(format!("{name}-{what}.pem"));
        let files =
            Self { certificate: file("certificate"), key: file("key"), authorities: file("authorities") };
        files.replace(issued)?;
        files.replace_authorities(authorities)?;
        Ok(files)
    }

    /// Puts another certificate in place of the one that is there.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn replace(&self, issued: &IssuedCertificate) -> Result<()> {
        write(&self.certificate, &issued.certificate)?;
        write(&self.key, &issued.key)
    }

    /// Puts other authorities in place of those that are there.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn replace_authorities(&self, authorities: &[&Authority]) -> Result<()> {
        let bundle: String = authorities.iter().map(|authority| authority.pem()).collect();
        write(&self.authorities, &bundle)
    }

    /// The settings of a service that name the files.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("MADANG_TLS_CERTIFICATE_FILE", self.certificate.display().to_string()),
            ("MADANG_TLS_KEY_FILE", self.key.display().to_string()),
            ("MADANG_TLS_CA_FILE", self.authorities.display().to_string()),
            ("MADANG_TLS_RELOAD_SECONDS", "1".to_owned()),
        ]
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(Error::io(format!("write {}", path.display())))
}

fn failed(error: rcgen::Error) -> Error {
    Error::io("make a certificate")(std::io::Error::other(error))
}

/// The certificates of a cluster's services, in files of a directory of its own.
#[derive(Debug)]
pub struct ServiceCertificates {
    authority: Authority,
    directory: tempfile::TempDir,
    files: Vec<(Program, CertificateFiles)>,
}

/// The services that have a certificate.
const SERVICES: [Program; 3] = [Program::Gateway, Program::Auth, Program::MessageStore];

impl ServiceCertificates {
    /// One for each service, of a fresh authority.
    ///
    /// # Errors
    /// When they cannot be made or written.
    pub fn new() -> Result<Self> {
        let authority = Authority::new("services")?;
        let directory = data_directory("certificates")?;
        let files = SERVICES.into_iter().map(|program| {
            let issued = authority.issue(&[service_name(program)])?;
            let name = program.binary();
            Ok((program, CertificateFiles::write(directory.path(), name, &issued, &[&authority])?))
        });
        let files = files.collect::<Result<_>>()?;
        Ok(Self { authority, directory, files })
    }

    /// The authority that signs them.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The directory of the files.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The files of a service.
    #[must_use]
    pub fn files(&self, program: Program) -> Option<&CertificateFiles> {
        self.files.iter().find(|(of, _)| *of == program).map(|(_, files)| files)
    }

    /// Gives every service a new certificate, of an authority.
    ///
    /// # Errors
    /// When they cannot be made or written.
    pub fn renew(&self, authority: &Authority) -> Result<()> {
        self.files
            .iter()
            .try_for_each(|(program, files)| files.replace(&authority.issue(&[service_name(*program)])?))
    }

    /// Lets every service trust these authorities.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn trust(&self, authorities: &[&Authority]) -> Result<()> {
        self.files.iter().try_for_each(|(_, files)| files.replace_authorities(authorities))
    }
}

/// The name in a service's certificate, as `MADANG_TLS_PEERS` has it by default.
const fn service_name(program: Program) -> &'static str {
    match program {
        Program::Auth => "spiffe://madang/auth",
        Program::MessageStore => "spiffe://madang/message-store",
        Program::Gateway | Program::AllInOne => "spiffe://madang/gateway",
    }
}
