//! What each call says of its caller: the secret, and the trace that it belongs to.

use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use crate::grpc::{
    inject_trace_context,
    secret::{CallSecret, SECRET_KEY},
};

/// A channel whose calls say who calls.
pub type ServiceChannel = InterceptedService<Channel, Caller>;

/// Puts the secret, where there is one, and the trace context into each call.
#[derive(Debug, Clone)]
pub struct Caller(Option<MetadataValue<Ascii>>);

impl Caller {
    pub(super) fn new(secret: Option<&CallSecret>) -> Self {
        Self(secret.map(CallSecret::metadata))
    }
}

impl Interceptor for Caller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(secret) = &self.0 {
            request.metadata_mut().insert(SECRET_KEY, secret.clone());
        }
        inject_trace_context(request.metadata_mut());
        Ok(request)
    }
}
