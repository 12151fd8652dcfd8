//! Changes of inputs by chance, for the short run. Which change it is follows from a seed and a number alone.

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

/// The longest input. Longer ones find little more, and take longer.
const INPUT_MAX_BYTES: usize = 4 * 1024;
/// The most changes of one input.
const CHANGES_MAX: usize = 6;
/// The longest piece that is put in, taken out or repeated at once.
const PIECE_MAX_BYTES: usize = 64;
/// Bytes that stand at a bound of something.
const BOUNDS: &[u8] =
    &[0, 1, 0x20, 0x22, 0x5c, 0x7d, 0x7e, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xe0, 0xf0, 0xfe, 0xff];

/// Makes inputs of those of a corpus and of words.
pub(crate) struct Mutations<'a> {
    seed: u64,
    inputs: &'a [(String, Vec<u8>)],
    words: &'a [Vec<u8>],
}

impl<'a> Mutations<'a> {
    pub(crate) const fn new(seed: u64, inputs: &'a [(String, Vec<u8>)], words: &'a [Vec<u8>]) -> Self {
        Self { seed, inputs, words }
    }

    /// The input of a number.
    pub(crate) fn input(&self, number: u64) -> Vec<u8> {
        // Two words of the seed: each run has its own numbers.
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&number.to_le_bytes());
        let mut random = StdRng::from_seed(seed);
        let mut input = self.any_input(&mut random).to_vec();
        for _ in 0..random.random_range(1..=CHANGES_MAX) {
            self.change(&mut input, &mut random);
        }
        input.truncate(INPUT_MAX_BYTES);
        input
    }

    fn any_input(&self, random: &mut StdRng) -> &'a [u8] {
        match self.inputs.len() {
            0 => &[],
            count => &self.inputs[random.random_range(0..count)].1,
        }
    }

    fn change(&self, input: &mut Vec<u8>, random: &mut StdRng) {
        let at = random.random_range(0..=input.len());
        let end = at + random.random_range(0..=PIECE_MAX_BYTES.min(input.len() - at));
        match random.random_range(0..10) {
            0 if at < input.len() => input[at] ^= 1 << random.random_range(0..8_u32),
            1 if at < input.len() => input[at] = BOUNDS[random.random_range(0..BOUNDS.len())],
            2 if at < input.len() => {
                input[at] = input[at].wrapping_add(random.random_range(0..=4)).wrapping_sub(2);
            }
            3 => {
                let mut piece = vec![0; random.random_range(1..=8)];
                random.fill_bytes(&mut piece);
                drop(input.splice(at..at, piece));
            }
            4 => drop(input.drain(at..end)),
            5 => {
                let piece = input[at..end].to_vec();
                drop(input.splice(at..at, piece));
            }
            6 => {
                let other = self.any_input(random);
                let from = random.random_range(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            7 => {
                let other = self.any_input(random);
                let from = random.random_range(0..=other.len());
                let to = from + random.random_range(0..=PIECE_MAX_BYTES.min(other.len() - from));
                drop(input.splice(at..at, other[from..to].iter().copied()));
            }
            _ if !self.words.is_empty() => {
                let word = &self.words[random.random_range(0..self.words.len())];
                // In place of what stands there, or before it.
                let over = if random.random_bool(0.5) { (at + word.len()).min(input.len()) } else { at };
                drop(input.splice(at..over, word.iter().copied()));
            }
            _ => input.truncate(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_follows_from_its_seed_and_number() {
        let inputs = [("a".to_owned(), b"hello, world".to_vec()), ("b".to_owned(), vec![7; 3_000])];
        let words = [b"word".to_vec()];
        let of = |seed, number| Mutations::new(seed, &inputs, &words).input(number);
        assert_eq!(of(1, 2), of(1, 2));
        assert_ne!(of(1, 2), of(2, 2));
        assert_ne!(of(1, 2), of(1, 3));
        assert!((0..2_000).all(|number| of(1, number).len() <= INPUT_MAX_BYTES));
        assert!((0..2_000).any(|number| of(1, number).windows(4).any(|piece| piece == b"word")));
        Mutations::new(1, &[], &[]).input(1);
    }
}
