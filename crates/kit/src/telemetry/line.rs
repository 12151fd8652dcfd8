//! The lines of the log.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// A format of JSON lines whose events within a sampled span name it, in the fields of OpenTelemetry's "Trace Context in
/// non-OTLP Log Formats": `trace_id` and `span_id`.
pub(super) struct WithTrace<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for WithTrace<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(span) = madang_trace::current() else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        match line.trim_end().strip_suffix('}') {
            Some(fields) => {
                let (trace, span) = (span.trace_id(), span.span_id());
                writeln!(writer, r#"{fields},"trace_id":"{trace}","span_id":"{span}"}}"#)
            }
            None => writer.write_str(&line),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
    use tracing_subscriber::{Layer as _, filter::LevelFilter, layer::SubscriberExt as _};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The line that is logged within a span, and the span's `traceparent`.
    fn logged(sampler: Sampler) -> (serde_json::Value, String) {
        let lines = Lines::default();
        let writer = lines.clone();
        let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
        let logs = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let logs = logs.json().flatten_event(true).with_span_list(false).map_event_format(WithTrace);
        let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        // As in a process: the log does not know the spans that are made for traces.
        let subscriber =
            tracing_subscriber::registry().with(logs.with_filter(LevelFilter::INFO)).with(traces);
        let traceparent = tracing::subscriber::with_default(subscriber, || {
            tracing::trace_span!(target: madang_trace::TARGET, "span").in_scope(|| {
                tracing::info!(rooms = 2, "said {{so}}");
                madang_trace::traceparent()
            })
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!((text.matches('\n').count(), text.ends_with("}\n")), (1, true), "{text}");
        (serde_json::from_str(&text).unwrap(), traceparent)
    }

    #[test]
    fn a_line_names_the_sampled_span_in_which_it_was_written() {
        let (line, traceparent) = logged(Sampler::AlwaysOn);
        let named =
            format!("00-{}-{}-01", line["trace_id"].as_str().unwrap(), line["span_id"].as_str().unwrap());
        assert_eq!(named, traceparent);
        assert_eq!((line["rooms"].as_i64(), line["message"].as_str()), (Some(2), Some("said {so}")));
        let (line, traceparent) = logged(Sampler::AlwaysOff);
        assert_eq!((line.get("trace_id"), traceparent.as_str()), (None, ""));
        assert_eq!(line["message"], "said {so}");
    }
}
