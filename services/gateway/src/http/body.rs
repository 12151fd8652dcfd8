//! The body of a request, within the patience with its client.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{BoxError, body::HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use madang_kit::Patience;

/// The body of a request did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the body did not come in time")]
struct TooSlow;

/// Whether the body of a request took too long, as an extension of the request.
#[derive(Debug, Clone, Default)]
pub(super) struct BodyTimeout(Arc<AtomicBool>);

impl BodyTimeout {
    pub(super) fn has_passed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The body of a request, which fails once its client has taken too long to send it. Only while a handler asks for more is
/// the client waited for.
#[derive(Debug)]
pub(super) struct TimedBody<B> {
    body: B,
    patience: Patience,
    timeout: BodyTimeout,
}

impl<B> TimedBody<B> {
    pub(super) fn new(body: B, max: Duration, timeout: BodyTimeout) -> Self {
        Self { body, patience: Patience::new(max), timeout }
    }
}

impl<B> HttpBody for TimedBody<B>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(frame) => {
                let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
                this.patience.moved(data.map_or(0, Bytes::len));
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => this.patience.poll_exhausted(context).map(|()| {
                this.timeout.0.store(true, Ordering::Relaxed);
                Some(Err(TooSlow.into()))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
