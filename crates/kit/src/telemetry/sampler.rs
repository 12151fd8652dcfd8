//! What of the traces is kept.

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceContextExt as _, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

/// The variable that names the sampler.
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
/// The variable of the share that is sampled.
const RATIO: &str = "OTEL_TRACES_SAMPLER_ARG";

/// Why the sampler cannot be made of the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SamplerError {
    /// There is no such sampler here.
    #[error(
        "OTEL_TRACES_SAMPLER: {0:?} is none of always_on, always_off, traceidratio, parentbased_always_on, \
         parentbased_always_off, parentbased_traceidratio"
    )]
    Unknown(String),
    /// The ratio is no number from 0 to 1.
    #[error("OTEL_TRACES_SAMPLER_ARG: {0:?} is not a number from 0 to 1")]
    Ratio(String),
}

/// The sampler that the environment names. It is stricter than OpenTelemetry's own reading, which samples everything
/// where a ratio is misspelt.
pub(super) fn configured(variable: impl Fn(&str) -> Option<String>) -> Result<Sampler, SamplerError> {
    let ratio = || match variable(RATIO).filter(|text| !text.is_empty()) {
        None => Ok(1.0),
        Some(text) => match text.parse::<f64>() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
            _ => Err(SamplerError::Ratio(text)),
        },
    };
    let parent_based = |root: Sampler| Sampler::ParentBased(Box::new(root));
    Ok(match variable(SAMPLER).filter(|name| !name.is_empty()).as_deref() {
        None | Some("parentbased_always_on") => parent_based(Sampler::AlwaysOn),
        Some("parentbased_always_off") => parent_based(Sampler::AlwaysOff),
        Some("parentbased_traceidratio") => parent_based(Sampler::TraceIdRatioBased(ratio()?)),
        Some("always_on") => Sampler::AlwaysOn,
        Some("always_off") => Sampler::AlwaysOff,
        Some("traceidratio") => Sampler::TraceIdRatioBased(ratio()?),
        Some(other) => return Err(SamplerError::Unknown(other.to_owned())),
    })
}

/// Samples a consumer's span that has no parent where it links to one that is sampled, so that the way of a message goes on
/// in the gateways that receive it. Other spans are for the sampler behind it.
///
/// A server's span is not judged by its links: they may be what a client sent.
#[derive(Debug, Clone)]
pub(super) struct FollowLinks(Sampler);

impl FollowLinks {
    pub(super) const fn or(otherwise: Sampler) -> Self {
        Self(otherwise)
    }
}

impl ShouldSample for FollowLinks {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let is_root = parent.is_none_or(|parent| !parent.span().span_context().is_valid());
        let follows = || links.iter().any(|link| link.span_context.is_sampled());
        if is_root && *kind == SpanKind::Consumer && !matches!(self.0, Sampler::AlwaysOff) && follows() {
            return SamplingResult {
                decision: SamplingDecision::RecordAndSample,
                attributes: Vec::new(),
                trace_state: TraceState::NONE,
            };
        }
        self.0.should_sample(parent, trace, name, kind, attributes, links)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags};

    use super::*;

    fn named(sampler: &str, ratio: &str) -> Result<Sampler, SamplerError> {
        configured(|name| Some(if name == SAMPLER { sampler } else { ratio }.to_owned()))
    }

    fn link(flags: TraceFlags) -> Link {
        Link::with_context(SpanContext::new(TraceId::from(1), SpanId::from(1), flags, true, TraceState::NONE))
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is made for the call")]
    fn is_sampled(sampler: Sampler, kind: SpanKind, flags: TraceFlags) -> bool {
        let links = [link(flags)];
        let result = FollowLinks::or(sampler).should_sample(None, TraceId::from(2), "", &kind, &[], &links);
        result.decision == SamplingDecision::RecordAndSample
    }

    #[test]
    fn a_consumer_follows_what_it_links_to_and_a_server_does_not() {
        let never = || Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
        assert!(is_sampled(never(), SpanKind::Consumer, TraceFlags::SAMPLED));
        assert!(!is_sampled(never(), SpanKind::Consumer, TraceFlags::NOT_SAMPLED));
        assert!(!is_sampled(never(), SpanKind::Server, TraceFlags::SAMPLED));
        assert!(!is_sampled(Sampler::AlwaysOff, SpanKind::Consumer, TraceFlags::SAMPLED), "off is off");
        assert!(is_sampled(Sampler::AlwaysOn, SpanKind::Server, TraceFlags::NOT_SAMPLED));
    }

    #[test]
    fn a_ratio_that_is_none_is_refused() {
        for ratio in ["-0.1", "1.1", "NaN", "5%", "0,05"] {
            assert_eq!(
                named("parentbased_traceidratio", ratio).unwrap_err(),
                SamplerError::Ratio(ratio.into())
            );
        }
        assert!(matches!(named("traceidratio", "0.05"), Ok(Sampler::TraceIdRatioBased(0.05))));
        assert!(matches!(named("parentbased_traceidratio", ""), Ok(Sampler::ParentBased(_))));
        assert!(matches!(named("always_off", "5%"), Ok(Sampler::AlwaysOff)), "it has no ratio");
        assert_eq!(named("xray", "").unwrap_err(), SamplerError::Unknown("xray".into()));
        assert!(matches!(configured(|_| None), Ok(Sampler::ParentBased(_))));
    }
}
