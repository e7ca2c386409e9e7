//! By which rule a stack counts segments and bytes: found from connections of which the tap
//! knows what their segments were for.

use super::tap_observations::KINDS;
use crate::config::CountingRule;

/// Rules for segments: each set of kinds that do not count. The last of the numbers are bytes.
const RULES: usize = 1 << (KINDS - 1);
/// Pairs that a rule has to explain before anything is said.
const LEAST: u64 = 3;

/// How many pairs each rule explains.
#[derive(Clone, Debug)]
pub(super) struct Counting {
    explained: Box<[u64; RULES]>,
    segments: u64,
    /// Pairs whose bytes are equal, and those that are where bytes sent again count again.
    bytes: [u64; 2],
    all_bytes: u64,
}

impl Default for Counting {
    fn default() -> Self {
        Self { explained: Box::new([0; RULES]), segments: 0, bytes: [0; 2], all_bytes: 0 }
    }
}

impl Counting {
    /// What both sides have counted of one direction, and what its segments were for.
    pub fn segments(&mut self, stack: u64, tap: u64, kinds: &[u64; KINDS]) {
        let Some(missing) = tap.checked_sub(stack) else {
            self.segments += 1;
            return;
        };
        self.segments += 1;
        let mut sums = [0u64; RULES];
        for rule in 1..RULES {
            let lowest = rule.trailing_zeros() as usize;
            let without = sums.get(rule & (rule - 1)).copied().unwrap_or(0);
            let more = kinds.get(lowest).copied().unwrap_or(0);
            if let Some(sum) = sums.get_mut(rule) {
                *sum = without + more;
            }
        }
        for (count, sum) in self.explained.iter_mut().zip(sums) {
            *count += u64::from(sum == missing);
        }
    }

    /// The same of bytes, of which so many were sent again.
    pub fn bytes(&mut self, stack: u64, tap: u64, again: u64) {
        self.all_bytes += 1;
        self.bytes[0] += u64::from(stack == tap);
        self.bytes[1] += u64::from(stack == tap.saturating_add(again));
    }

    /// The rule that explains most pairs, and how many, if it is not that everything counts
    /// once; of several the one that leaves the fewest kinds out.
    pub fn finish(&self) -> Option<(CountingRule, u64)> {
        // It has to explain most of all pairs, and most of those that differ otherwise.
        let prevails = |count: u64, plain: u64, all: u64| {
            let (more, differ) = (count.saturating_sub(plain), all.saturating_sub(plain));
            more >= LEAST && 2 * count > all && 2 * more > differ
        };
        let mut rule = CountingRule::default();
        let mut times = 0;
        let best =
            self.explained.iter().enumerate().max_by_key(|(rule, count)| {
                (**count, std::cmp::Reverse((rule.count_ones(), *rule)))
            });
        let plain = self.explained.first().copied().unwrap_or(0);
        if let Some((without, &count)) = best
            && prevails(count, plain, self.segments)
        {
            rule.without = u8::try_from(without).unwrap_or(0);
            times = count;
        }
        let [plain, again] = self.bytes;
        if prevails(again, plain, self.all_bytes) {
            rule.bytes_again = true;
            times = times.max(again);
        }
        (!rule.is_default()).then_some((rule, times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SegmentKind;

    #[test]
    fn the_rule_that_explains_most_is_found_among_wrong_counts() {
        let mut counting = Counting::default();
        for n in 0..100 {
            // SYN, last ACK, FIN, RST, bare ACKs, probes, retransmissions, bytes again.
            let kinds = [1, n % 2, 1, 0, 3 + n, n % 5, n % 7, 100 * (n % 7)];
            let tap = 1000 + n;
            let stack = tap - kinds[4] - kinds[5] + u64::from(n % 10 == 3);
            counting.segments(stack, tap, &kinds);
            counting.bytes(5000 + kinds[7], 5000, kinds[7]);
        }
        let (rule, times) = counting.finish().expect("a rule");
        assert_eq!(rule.without, SegmentKind::Ack.bit() | SegmentKind::Probe.bit());
        assert!(rule.bytes_again);
        assert!(times >= 90);
        // All are equal: there is no rule.
        let mut counting = Counting::default();
        for n in 0..100 {
            counting.segments(n, n, &[1; KINDS]);
        }
        assert_eq!(counting.finish(), None);
        assert_eq!(Counting::default().finish(), None);
    }
}
