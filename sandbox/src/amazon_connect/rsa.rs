//! RSA with SHA-1, which the first version of SNS's signatures has and aws-lc-rs verifies but doesn't make.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// Where the hash begins that PKCS #1 v1.5 signs: a `DigestInfo` of SHA-1.
const SHA1_INFO: [u8; 15] =
    [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];

/// A private key by its two primes, which is four times as fast as by its modulus.
pub(super) struct Sha1Key {
    one: Prime,
    other: Prime,
    /// The inverse of the other prime, for the first one.
    coefficient: Vec<u64>,
    bytes: usize,
}

struct Prime {
    modulus: Modulus,
    exponent: Vec<u8>,
}

impl Sha1Key {
    /// Takes the numbers out of a key's PKCS #8.
    pub(super) fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let (outer, _) = element(der, 0x30)?;
        let (_, rest) = element(outer, 0x02)?;
        let (_, rest) = element(rest, 0x30)?;
        let (key, _) = element(rest, 0x04)?;
        let (mut rest, _) = element(key, 0x30)?;
        let mut next = || {
            let (number, after) = element(rest, 0x02)?;
            rest = after;
            Some(number.strip_prefix(&[0]).unwrap_or(number))
        };
        let [_version, modulus, _public, _private] = [next()?, next()?, next()?, next()?];
        let [one, other, one_exponent, other_exponent] = [next()?, next()?, next()?, next()?];
        if one.len() != other.len() || one.len() % 8 != 0 {
            return None;
        }
        let mut coefficient = to_limbs(next()?);
        coefficient.resize(one.len() / 8, 0);
        let prime =
            |prime, exponent: &[u8]| Prime { modulus: Modulus::new(prime), exponent: exponent.to_vec() };
        let (one, other) = (prime(one, one_exponent), prime(other, other_exponent));
        Some(Self { one, other, coefficient, bytes: modulus.len() })
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, message);
        let padding = self.bytes - 3 - SHA1_INFO.len() - hash.as_ref().len();
        let padded = [&[0, 1], vec![0xff; padding].as_slice(), &[0], &SHA1_INFO, hash.as_ref()].concat();
        to_bytes(&self.power(&to_limbs(&padded)))
    }

    /// Garner's formula.
    fn power(&self, base: &[u64]) -> Vec<u64> {
        let [one, other] = [&self.one, &self.other].map(|prime| {
            let base = prime.modulus.remainder(base);
            prime.modulus.power(&base, &prime.exponent)
        });
        let modulus = &self.one.modulus;
        let mut less = other.clone();
        modulus.reduce(&mut less, 0);
        let difference = modulus.subtract(&one, &less);
        let factor = modulus.multiply(&modulus.multiply(&difference, &modulus.square), &self.coefficient);
        let mut sum = other;
        sum.resize(2 * factor.len(), 0);
        for (at, factor) in factor.iter().enumerate() {
            add_product(&mut sum[at..], &self.other.modulus.limbs, *factor);
        }
        sum
    }
}

/// The content of a DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..0x80 => (usize::from(*length), rest),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
    };
    (*first == tag).then(|| rest.split_at_checked(length)).flatten()
}

/// Limbs, the least significant one first.
fn to_limbs(bytes: &[u8]) -> Vec<u64> {
    bytes.rchunks(8).map(|limb| limb.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))).collect()
}

fn to_bytes(limbs: &[u64]) -> Vec<u8> {
    limbs.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect()
}

/// Montgomery's arithmetic for one odd number.
struct Modulus {
    limbs: Vec<u64>,
    /// The negative inverse of the lowest limb.
    inverse: u64,
    /// 2^(64 k) and its square, for k limbs.
    one: Vec<u64>,
    square: Vec<u64>,
}

impl Modulus {
    fn new(bytes: &[u8]) -> Self {
        let limbs = to_limbs(bytes);
        // Newton's iteration doubles the bits that are right.
        let inverse = (0..6).fold(1_u64, |inverse, _| {
            inverse.wrapping_mul(2_u64.wrapping_sub(limbs[0].wrapping_mul(inverse)))
        });
        let bits = 64 * limbs.len();
        let mut modulus =
            Self { inverse: inverse.wrapping_neg(), one: Vec::new(), square: Vec::new(), limbs };
        let mut number = vec![0; modulus.limbs.len()];
        number[0] = 1;
        (0..bits).for_each(|_| modulus.double(&mut number));
        modulus.one = number.clone();
        (0..bits).for_each(|_| modulus.double(&mut number));
        modulus.square = number;
        modulus
    }

    fn double(&self, number: &mut [u64]) {
        let mut carry = 0;
        for limb in number.iter_mut() {
            (*limb, carry) = (*limb << 1 | carry, *limb >> 63);
        }
        self.reduce(number, carry);
    }

    /// Takes the modulus away once, if the number with its carry isn't smaller.
    fn reduce(&self, number: &mut [u64], carry: u64) {
        if carry == 0 && number.iter().rev().lt(self.limbs.iter().rev()) {
            return;
        }
        subtract(number, &self.limbs);
    }

    /// The remainder of a number with at most twice as many limbs. The modulus has its highest bit.
    fn remainder(&self, number: &[u64]) -> Vec<u64> {
        let (low, high) = number.split_at(self.limbs.len());
        let mut high = high.to_vec();
        high.resize(self.limbs.len(), 0);
        let mut sum = self.multiply(&high, &self.square);
        let mut low = low.to_vec();
        self.reduce(&mut low, 0);
        let carry = add(&mut sum, &low);
        self.reduce(&mut sum, carry);
        sum
    }

    fn subtract(&self, one: &[u64], other: &[u64]) -> Vec<u64> {
        // one + (modulus - other)
        let mut negative = self.limbs.clone();
        subtract(&mut negative, other);
        let carry = add(&mut negative, one);
        self.reduce(&mut negative, carry);
        negative
    }

    fn multiply(&self, one: &[u64], other: &[u64]) -> Vec<u64> {
        let limbs = self.limbs.len();
        let mut sum = vec![0; limbs + 2];
        for factor in one {
            add_product(&mut sum, other, *factor);
            let factor = sum[0].wrapping_mul(self.inverse);
            add_product(&mut sum, &self.limbs, factor);
            // The lowest limb is zero now.
            sum.rotate_left(1);
        }
        let carry = sum[limbs];
        sum.truncate(limbs);
        self.reduce(&mut sum, carry);
        sum
    }

    fn power(&self, base: &[u64], exponent: &[u8]) -> Vec<u64> {
        let base = self.multiply(base, &self.square);
        let mut result = self.one.clone();
        for bit in exponent.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)) {
            result = self.multiply(&result, &result);
            if bit == 1 {
                result = self.multiply(&result, &base);
            }
        }
        let mut unit = vec![0; self.limbs.len()];
        unit[0] = 1;
        self.multiply(&result, &unit)
    }
}

/// Adds, and returns what is carried.
fn add(sum: &mut [u64], number: &[u64]) -> u64 {
    let mut carry = 0_u128;
    for (limb, other) in sum.iter_mut().zip(number) {
        let total = u128::from(*limb) + u128::from(*other) + carry;
        (*limb, carry) = (total as u64, total >> 64);
    }
    carry as u64
}

/// Subtracts, and forgets what is borrowed.
fn subtract(number: &mut [u64], other: &[u64]) {
    let mut borrow = false;
    for (limb, other) in number.iter_mut().zip(other) {
        let (less, one) = limb.overflowing_sub(*other);
        let (less, two) = less.overflowing_sub(borrow.into());
        (*limb, borrow) = (less, one || two);
    }
}

/// Adds a multiple of a number to a sum that has room for it.
fn add_product(sum: &mut [u64], number: &[u64], factor: u64) {
    let mut carry = 0_u128;
    let mut at = 0;
    // Without iterators it is several times as fast in a debug build, where it is most of a notification's time.
    while at < sum.len() {
        let product = if at < number.len() { number[at] as u128 * factor as u128 } else { 0 };
        let total = sum[at] as u128 + product + carry;
        sum[at] = total as u64;
        carry = total >> 64;
        at += 1;
        if carry == 0 && at >= number.len() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
    use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};

    use super::*;

    #[test]
    fn powers_are_those_of_plain_arithmetic() {
        let modulus = Modulus::new(&0xffff_ffff_ffff_ffc5_u64.to_be_bytes());
        let power = modulus.power(&[0x1234_5678_9abc_def1], &[0x01, 0x00, 0x01]);
        let plain =
            (0..16).fold(0x1234_5678_9abc_def1_u128, |power, _| power * power % 0xffff_ffff_ffff_ffc5);
        assert_eq!(power, [(plain * 0x1234_5678_9abc_def1 % 0xffff_ffff_ffff_ffc5) as u64]);
    }

    #[test]
    fn signatures_are_good_whatever_the_key() {
        for _ in 0..5 {
            let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
            let signer = Sha1Key::from_pkcs8(key.serialized_der()).expect("the usual form");
            let public =
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, key.public_key_raw());
            for number in 0..10_u8 {
                public.verify(&[number], &signer.sign(&[number])).expect("a good signature");
            }
        }
    }
}
