//! Chance that is the same each time, and what it makes of seeds.

pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(number: u64) -> Self {
        Self(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below the bound, which is not 0.
    fn number(&mut self, bound: usize) -> usize {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.number(most + 1)).map(|_| self.number(256) as u8).collect()
    }

    /// A seed that was changed a little or much; now and then nothing but chance.
    pub(crate) fn input(&mut self, seeds: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
        if self.number(8) == 0 {
            return self.bytes(2_000);
        }
        let mut input = seeds[self.number(seeds.len())].clone();
        let changes = if self.number(2) == 0 { 1 } else { 1 + self.number(4) };
        for _ in 0..changes {
            self.change(&mut input, seeds, words);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&str]) {
        let start = self.number(input.len() + 1);
        let end = input.len().min(start + 1 + self.number(16));
        match self.number(8) {
            0 => input[start..end].iter_mut().take(1).for_each(|byte| *byte ^= 1 << self.number(8)),
            1 => input[start..end].iter_mut().for_each(|byte| *byte = self.number(256) as u8),
            2 => drop(input.drain(start..end)),
            3 => {
                let piece = input[start..end].repeat(1 + self.number(4));
                input.splice(start..start, piece);
            }
            4 => {
                let other = &seeds[self.number(seeds.len())];
                let from = self.number(other.len() + 1);
                let piece = other[from..other.len().min(from + 1 + self.number(200))].to_vec();
                input.splice(start..end, piece);
            }
            5 if self.number(4) == 0 => input.truncate(start),
            _ if words.is_empty() => {
                let piece = self.bytes(8);
                input.splice(start..end, piece);
            }
            kind => {
                let word = words[self.number(words.len())].bytes();
                input.splice(start..if kind == 7 { end } else { start }, word);
            }
        }
    }
}
