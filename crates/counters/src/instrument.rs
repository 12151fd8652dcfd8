//! The table of a set of numbers, by which an exporter reads them.

use crate::{
    by_label::{CounterBy, Label},
    histogram::{Distribution, Histogram, Scale},
    number::{Counter, Gauge},
    striped::StripedCounter,
};

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It grows and shrinks.
    Gauge,
    /// It is a distribution of values.
    Histogram,
}

/// What a metric shows now.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// One number.
    Number(u64),
    /// One number for each value of its label.
    ByLabel(Vec<u64>),
    /// A distribution.
    Distribution(Distribution),
}

/// A metric that can be read.
pub trait Readable {
    /// How it behaves.
    const KIND: Kind;

    /// Its label and the label's values, where it has one.
    const LABEL: Option<(&'static str, &'static [&'static str])> = None;

    /// What it shows now.
    fn read(&self) -> Reading;
}

impl Readable for Counter {
    const KIND: Kind = Kind::Counter;

    fn read(&self) -> Reading {
        Reading::Number(self.get())
    }
}

impl Readable for StripedCounter {
    const KIND: Kind = Kind::Counter;

    fn read(&self) -> Reading {
        Reading::Number(self.get())
    }
}

impl Readable for Gauge {
    const KIND: Kind = Kind::Gauge;

    fn read(&self) -> Reading {
        Reading::Number(self.get())
    }
}

impl<L: Label> Readable for CounterBy<L> {
    const KIND: Kind = Kind::Counter;
    const LABEL: Option<(&'static str, &'static [&'static str])> = Some((L::NAME, L::VALUES));

    fn read(&self) -> Reading {
        Reading::ByLabel(self.all())
    }
}

impl<S: Scale> Readable for Histogram<S> {
    const KIND: Kind = Kind::Histogram;

    fn read(&self) -> Reading {
        Reading::Distribution(self.get())
    }
}

/// What an exporter has to know about one metric of a set `T`.
#[derive(Debug, Clone, Copy)]
pub struct Instrument<T> {
    /// The name, in parts that dots separate.
    pub name: &'static str,
    /// The unit in UCUM. Seconds (`s`) and bytes (`By`) become a suffix of the exported name. One in braces, such as
    /// `{entry}`, tells a reader what is counted and does not.
    pub unit: &'static str,
    /// A sentence for the reader of the metric.
    pub description: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Its label and the label's values, where it has one.
    pub label: Option<(&'static str, &'static [&'static str])>,
    /// Reads it.
    pub read: fn(&T) -> Reading,
}

/// A set of metrics that an exporter can read.
pub trait Instruments: Send + Sync + Sized + 'static {
    /// One entry for each metric.
    const INSTRUMENTS: &'static [Instrument<Self>];
}

/// Declares a struct of counters, gauges and histograms, and implements [`Instruments`] for it: one line a metric, with
/// name, unit and description. The description is the field's documentation too.
#[macro_export]
macro_rules! instruments {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $set:ident {
            $($field:ident: $kind:ident $(<$parameter:ty>)? = $name:literal, $unit:literal, $description:literal;)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Default)]
        $visibility struct $set {
            $(#[doc = $description] $visibility $field: $crate::$kind $(<$parameter>)?,)*
        }

        impl $crate::Instruments for $set {
            const INSTRUMENTS: &'static [$crate::Instrument<Self>] = &[
                $($crate::Instrument {
                    name: $name,
                    unit: $unit,
                    description: $description,
                    kind: <$crate::$kind $(<$parameter>)? as $crate::Readable>::KIND,
                    label: <$crate::$kind $(<$parameter>)? as $crate::Readable>::LABEL,
                    read: |set| $crate::Readable::read(&set.$field),
                },)*
            ];
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Sizes;

    #[derive(Debug, Clone, Copy)]
    enum Colour {
        Red,
        Blue,
    }

    impl Label for Colour {
        const NAME: &'static str = "colour";
        const VALUES: &'static [&'static str] = &["red", "blue"];

        fn index(self) -> usize {
            self as usize
        }
    }

    instruments! {
        /// A set.
        struct Set {
            calls: Counter = "test.calls", "{call}", "Calls made.";
            active: Gauge = "test.active", "{call}", "Calls in progress.";
            frames: StripedCounter = "test.frames", "{frame}", "Frames.";
            balls: CounterBy<Colour> = "test.balls", "{ball}", "Balls by colour.";
            batch: Histogram<Sizes> = "test.batch", "{call}", "Calls of a batch.";
        }
    }

    #[test]
    fn each_line_declares_a_metric_and_how_it_is_read() {
        let set = Set::default();
        set.calls.add(2);
        set.calls.add_len(3);
        assert_eq!(set.active.add(4), 0);
        set.active.subtract(1);
        set.active.subtract_len(1);
        set.frames.add(7);
        set.balls.add(Colour::Blue, 2);
        set.batch.observe(3);
        let read: Vec<_> = Set::INSTRUMENTS
            .iter()
            .map(|instrument| (instrument.name, instrument.kind, (instrument.read)(&set)))
            .collect();
        let distribution = Reading::Distribution(set.batch.get());
        assert_eq!(
            read,
            [
                ("test.calls", Kind::Counter, Reading::Number(5)),
                ("test.active", Kind::Gauge, Reading::Number(2)),
                ("test.frames", Kind::Counter, Reading::Number(7)),
                ("test.balls", Kind::Counter, Reading::ByLabel(vec![0, 2])),
                ("test.batch", Kind::Histogram, distribution),
            ]
        );
        assert_eq!((set.balls.get(Colour::Red), set.balls.get(Colour::Blue)), (0, 2));
        assert_eq!(Set::INSTRUMENTS[1].unit, "{call}");
        assert_eq!(Set::INSTRUMENTS[1].description, "Calls in progress.");
        assert_eq!(Set::INSTRUMENTS[3].label, Some(("colour", &["red", "blue"][..])));
    }
}
