//! Logarithm, exponential and its kin in plain arithmetic.
//!
//! The standard library asks the platform for these, and platforms differ in the last bit; a detector that must decide
//! alike on every machine cannot. Additions, multiplications and divisions are exact by IEEE 754 and nothing here is
//! fused. Absolute errors: [`log2`] 2e-7 near 1 and the spacing of `f32` elsewhere, [`exp`] relative 4e-7.
//! Everything is free of branches, so that loops over it become vector code.

use std::f32::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E};

/// Base-2 logarithm of a positive, finite, normal number. Zero and subnormal numbers give about -127, never a NaN.
pub fn log2(x: f32) -> f32 {
    // x = 2^exponent · m with m from sqrt(1/2) to sqrt(2); atanh's series in s = (m-1)/(m+1), |s| < 0.172.
    let bits = x.to_bits();
    let shifted = bits.wrapping_sub(FRAC_1_SQRT_2.to_bits());
    let exponent = (shifted as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((exponent << 23) as u32));
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let series = s * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0))));
    exponent as f32 + series * (2.0 * LOG2_E)
}

/// Ten times the decimal logarithm: a power ratio in decibels.
pub fn decibels(power: f32) -> f32 {
    log2(power) * 3.010_3
}

/// e to the power of `x`, held between e^-87 and e^88.
pub fn exp(x: f32) -> f32 {
    let y = (x.clamp(-87.0, 88.0)) * LOG2_E;
    // To the nearest whole number, halves away from zero: `as` cuts towards zero.
    let whole = (y + 0.5_f32.copysign(y)) as i32;
    let z = (y - whole as f32) * LN_2;
    let series =
        1.0 + z * (1.0 + z * (0.5 + z * (1.0 / 6.0 + z * (1.0 / 24.0 + z * (1.0 / 120.0 + z * (1.0 / 720.0))))));
    series * f32::from_bits(((whole + 127) as u32) << 23)
}

/// The logistic function, 0 to 1.
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Hyperbolic tangent.
pub fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (exp(2.0 * x) + 1.0)
}

/// ln(1 + x) for x from 0 up.
pub fn ln_1p(x: f32) -> f32 {
    log2(1.0 + x) * LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_follow_the_exact_functions() {
        for n in 1..40_000 {
            let x = n as f32 * 0.37;
            assert!((log2(x) - x.log2()).abs() < 2e-6, "log2 {x}");
            assert!((decibels(1.0 / x) + 10.0 * x.log10()).abs() < 1e-5);
        }
        for n in -8_000..8_000 {
            let x = n as f32 * 0.01;
            assert!((exp(x) / x.exp() - 1.0).abs() < 4e-6, "exp {x}: {}", exp(x));
            assert!((tanh(x) - x.tanh()).abs() < 1e-6, "tanh {x}");
            assert!((sigmoid(x) - 1.0 / (1.0 + (-x).exp())).abs() < 1e-6, "sigmoid {x}");
        }
        assert_eq!((ln_1p(0.0), exp(0.0), tanh(0.0), log2(1.0)), (0.0, 1.0, 0.0, 0.0));
    }

    #[test]
    fn nothing_leaves_the_numbers() {
        for x in [0.0, f32::MIN_POSITIVE, 1e-40, f32::MAX] {
            assert!(log2(x).is_finite(), "{x}");
        }
        for x in [f32::MIN, -1e3, 1e3, f32::MAX] {
            assert!(exp(x).is_finite() && (0.0..=1.0).contains(&sigmoid(x)) && tanh(x).abs() <= 1.0, "{x}");
        }
    }

    /// The same bits on every machine: golden values of a sweep, folded into one word.
    #[test]
    fn the_bits_are_these() {
        let mut fold = 0_u32;
        for n in 0..10_000 {
            let x = n as f32 * 0.013 - 60.0;
            for y in [exp(x), tanh(x), sigmoid(x), log2(x.abs() + 0.01)] {
                fold = fold.rotate_left(5) ^ y.to_bits();
            }
        }
        assert_eq!(fold, 0x7347_0245, "{fold:#x}");
    }
}
