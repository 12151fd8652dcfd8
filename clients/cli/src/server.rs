//! The server, and as whom it is spoken to.

use std::cell::RefCell;

use madang_client::Client;
use reqwest::Method;
use serde_json::Value;

use crate::{
    arguments::Arguments,
    error::{Error, Result},
    patience::patiently,
    sign_in::{RENEW_BEFORE_SECONDS, SignIn},
};

/// The server of the command line.
pub(crate) struct Server {
    guest: Client,
    token: Option<String>,
    api_key: Option<String>,
    sign_in: RefCell<Option<SignIn>>,
}

impl Server {
    pub(crate) fn new(arguments: &Arguments) -> Result<Self> {
        let guest = Client::new(&arguments.url)?;
        let api_key = match &arguments.api_key_file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
                Some(text.trim().to_owned())
            }
            None => arguments.api_key.clone(),
        };
        let sign_in = RefCell::new(SignIn::load(guest.base())?);
        Ok(Self { guest, token: arguments.token.clone(), api_key, sign_in })
    }

    /// The server's address.
    pub(crate) fn base(&self) -> &str {
        self.guest.base()
    }

    /// The routes that need nobody.
    pub(crate) const fn guest(&self) -> &Client {
        &self.guest
    }

    /// The session of `login`, if there is one.
    pub(crate) fn signed_in(&self) -> Option<SignIn> {
        self.sign_in.borrow().clone()
    }

    /// Remembers a session.
    pub(crate) fn remember(&self, sign_in: SignIn) -> Result<()> {
        sign_in.save()?;
        self.sign_in.replace(Some(sign_in));
        Ok(())
    }

    /// A user's access token: the given one, or the session's, renewed where it ends soon.
    pub(crate) async fn token(&self) -> Result<String> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let Some(known) = self.signed_in() else {
            return Err(Error::usage(
                format!("nobody is signed in at {}", self.base()),
                "sign in with `madangctl login NAME`, or give --token",
            ));
        };
        if known.seconds_left() > RENEW_BEFORE_SECONDS {
            return Ok(known.access_token);
        }
        let tokens = patiently(async || self.guest.refresh(&known.refresh_token).await).await?;
        let renewed = SignIn::new(self.base(), tokens);
        let token = renewed.access_token.clone();
        self.remember(renewed)?;
        Ok(token)
    }

    /// How long the token is good, where that is known.
    pub(crate) fn seconds_left(&self) -> Option<u64> {
        if self.token.is_some() { None } else { self.signed_in().map(|known| known.seconds_left()) }
    }

    /// The routes with the user's token.
    pub(crate) async fn user(&self) -> Result<Client> {
        Ok(self.guest.with_token(self.token().await?))
    }

    /// The server API's routes with the API key.
    pub(crate) fn site(&self) -> Result<Site> {
        match &self.api_key {
            Some(key) => Ok(Site(self.guest.with_token(key.clone()))),
            None => Err(Error::usage(
                "this command needs an API key",
                "give --api-key-file or MADANGCTL_API_KEY; `madang keys create` (or `madang-auth keys create`) makes one, \
                 with access to the database",
            )),
        }
    }
}

/// The server API, by an API key.
pub(crate) struct Site(Client);

impl Site {
    /// Calls a route with a body that may be sent again: all routes of the server API that are used here are repeatable, or
    /// have a key in the body.
    pub(crate) async fn call(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let path = format!("/v1/server{path}");
        let call = async || self.0.call(self.0.request(method.clone(), &path).json(body)).await;
        Ok(patiently(call).await?)
    }

    /// Asks for something.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let path = format!("/v1/server{path}");
        Ok(patiently(async || self.0.call(self.0.request(Method::GET, &path)).await).await?)
    }

    /// Calls a route that answers with nothing.
    pub(crate) async fn call_for_nothing(&self, method: Method, path: &str) -> Result<()> {
        let path = format!("/v1/server{path}");
        Ok(patiently(async || self.0.call_for_nothing(self.0.request(method.clone(), &path)).await).await?)
    }
}

/// A segment of a path: everything is encoded but what no path misunderstands.
pub(crate) fn segment(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b':' => {
                out.push(byte.into());
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_ends_nowhere_else() {
        assert_eq!(segment("ext:7"), "ext:7");
        assert_eq!(segment("ext:a/b?c d"), "ext:a%2Fb%3Fc%20d");
        assert_eq!(segment("마"), "%EB%A7%88");
    }
}
