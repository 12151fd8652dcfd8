//! A wrapper to put around a service, and doubles of services.

use std::{ops::Deref, pin::Pin};

use madang_domain::{Error, Result};

use crate::method::Method;

/// A call under way.
pub type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// What happens around each call of a service: a deadline, a measurement, a fault.
///
/// A layer is told the method and not its types, so that one function serves every method.
pub trait Layer<S>: Send + Sync + 'static {
    /// Makes a call of `method`, or does not. `call` makes it on `service`, or on a handle to the same service
    /// that the layer has cloned.
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Method,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T>;
}

/// A service with a layer around each of its methods. It is the service again, and also dereferences to the inner
/// one, for what that has beside the service's trait.
#[derive(Debug, Clone)]
pub struct Around<S, L> {
    inner: S,
    layer: L,
}

impl<S, L> Around<S, L> {
    /// Puts a layer around a service.
    pub const fn new(inner: S, layer: L) -> Self {
        Self { inner, layer }
    }

    /// The service without the layer.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// The layer.
    pub const fn layer(&self) -> &L {
        &self.layer
    }
}

impl<S, L> Deref for Around<S, L> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.inner
    }
}

/// A service made of a double, such as an [`AuthDouble`](crate::auth::AuthDouble). For tests alone.
#[derive(Debug, Clone, Default)]
pub struct Double<D>(pub D);

impl<D> Deref for Double<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.0
    }
}

/// What a double answers to a method that it does not implement.
pub(crate) fn not_served(method: &'static Method) -> Error {
    Error::unavailable(format!("{} is not served by this double", method.name))
}
