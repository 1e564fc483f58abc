//! Distributions of a scenario.

use base::Stream;
use serde::Deserialize;

/// A distribution of non-negative numbers, mostly seconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Dist {
    /// Lognormal by mean and coefficient of variation; kept as the underlying normal's mean and deviation.
    Lognormal {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// Exponential with this mean.
    Exponential(f64),
    /// Always this.
    Constant(f64),
    /// Uniform between the two.
    Uniform(f64, f64),
    /// Parts with cumulative weights, the last one 1.
    Mix(Vec<(f64, Dist)>),
    /// One of these samples.
    Empirical(Vec<f64>),
    /// A file of samples not loaded yet: its name.
    File(String),
}

/// Samples of an empirical distribution: 1 M × 8 bytes = 8 MB is plenty for a shape.
const SAMPLES_MAX: usize = 1_000_000;
/// Parts of a mix, nested ones counted: a mix of mixes deeper than this is a mistake.
const PARTS_MAX: usize = 64;

impl Dist {
    /// Lognormal from mean and coefficient of variation.
    pub fn lognormal(mean: f64, cv: f64) -> Dist {
        let variance = (1.0 + cv * cv).ln();
        Dist::Lognormal { mu: mean.ln() - variance / 2.0, sigma: variance.sqrt() }
    }

    /// One draw.
    pub fn sample(&self, stream: &mut Stream) -> f64 {
        match self {
            Dist::Lognormal { mu, sigma } => (mu + sigma * normal(stream)).exp(),
            Dist::Exponential(mean) => exponential(stream, *mean),
            Dist::Constant(value) => *value,
            Dist::Uniform(min, max) => stream.range_f64(*min, *max),
            Dist::Mix(parts) => {
                let u = stream.unit();
                match parts.iter().find(|(upto, _)| u < *upto).or(parts.last()) {
                    Some((_, part)) => part.sample(stream),
                    None => 0.0,
                }
            }
            Dist::Empirical(samples) if !samples.is_empty() => samples[stream.below(samples.len() as u64) as usize],
            Dist::Empirical(_) | Dist::File(_) => 0.0,
        }
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        match self {
            Dist::Lognormal { mu, sigma } => (mu + sigma * sigma / 2.0).exp(),
            Dist::Exponential(mean) => *mean,
            Dist::Constant(value) => *value,
            Dist::Uniform(min, max) => (min + max) / 2.0,
            Dist::Mix(parts) => {
                let mut before = 0.0;
                let mut sum = 0.0;
                for (upto, part) in parts {
                    sum += (upto - before) * part.mean();
                    before = *upto;
                }
                sum
            }
            Dist::Empirical(samples) => samples.iter().sum::<f64>() / samples.len().max(1) as f64,
            Dist::File(_) => 0.0,
        }
    }

    /// Puts the samples in where files are named; `load` gives a file's text.
    pub(super) fn load(&mut self, load: &mut dyn FnMut(&str) -> Result<String, String>) -> Result<(), String> {
        match self {
            Dist::File(name) => {
                let text = load(name)?;
                let mut samples = Vec::new();
                for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                    let sample: f64 = line.trim().parse().map_err(|_| {
                        format!("{name}, line {}: {:?} is no number; one sample a line", index + 1, line.trim())
                    })?;
                    if !(sample.is_finite() && sample >= 0.0) || samples.len() >= SAMPLES_MAX {
                        return Err(format!(
                            "{name}, line {}: samples are 0 or more, at most {SAMPLES_MAX}",
                            index + 1
                        ));
                    }
                    samples.push(sample);
                }
                if samples.is_empty() {
                    return Err(format!("{name}: holds no sample; one number a line"));
                }
                *self = Dist::Empirical(samples);
                Ok(())
            }
            Dist::Mix(parts) => parts.iter_mut().try_for_each(|(_, part)| part.load(load)),
            _ => Ok(()),
        }
    }

    fn from_value(value: &toml::Value, depth: usize) -> Result<Dist, String> {
        if let Some(value) = number(value) {
            return non_negative("value", value).map(Dist::Constant);
        }
        let table =
            value.as_table().ok_or("expected a distribution: { dist = \"lognormal\", mean = 9.0, cv = 0.55 }")?;
        let get = |key: &str| {
            let found = table.get(key).and_then(number).ok_or(format!("`{key}` is missing or no number"))?;
            non_negative(key, found)
        };
        let dist = table.get("dist").and_then(|dist| dist.as_str()).ok_or("`dist` is missing")?;
        let wanted: &[&str] = match dist {
            "lognormal" => &["mean", "cv"],
            "exponential" => &["mean"],
            "constant" => &["value"],
            "uniform" => &["min", "max"],
            "mix" => &["parts"],
            "empirical" => &["file"],
            other => {
                let known = ["lognormal", "exponential", "constant", "uniform", "mix", "empirical"];
                return Err(format!(
                    "no distribution {other:?}; did you mean {:?}?",
                    super::keys::nearest(other, &known)
                ));
            }
        };
        if let Some(key) =
            table.keys().find(|key| !wanted.contains(&key.as_str()) && *key != "dist" && *key != "weight")
        {
            return Err(format!("`{key}` does not belong to {dist:?}, which has {}", wanted.join(", ")));
        }
        match dist {
            "lognormal" if get("mean")? > 0.0 => Ok(Dist::lognormal(get("mean")?, get("cv")?)),
            "lognormal" => Err("`mean` of a lognormal must be above 0".into()),
            "exponential" => get("mean").map(Dist::Exponential),
            "constant" => get("value").map(Dist::Constant),
            "uniform" => {
                let (min, max) = (get("min")?, get("max")?);
                if min <= max { Ok(Dist::Uniform(min, max)) } else { Err("`min` is above `max`".into()) }
            }
            "mix" => Dist::mix(table, depth),
            _ => {
                let file = table.get("file").and_then(|file| file.as_str()).ok_or("`file` is missing")?;
                Ok(Dist::File(file.into()))
            }
        }
    }

    fn mix(table: &toml::Table, depth: usize) -> Result<Dist, String> {
        let parts = table.get("parts").and_then(|parts| parts.as_array()).ok_or("`parts` is missing")?;
        if parts.is_empty() || parts.len() > PARTS_MAX || depth > 3 {
            return Err(format!("a mix has 1 to {PARTS_MAX} parts and at most 3 levels"));
        }
        let weight = |part: &toml::Value| {
            let weight = part.get("weight").and_then(number).ok_or("each part of a mix needs a `weight`")?;
            non_negative("weight", weight)
        };
        let total = parts.iter().map(weight).sum::<Result<f64, String>>()?;
        if total <= 0.0 {
            return Err("the weights of a mix must add up to more than 0".into());
        }
        let mut upto = 0.0;
        let mut mixed = Vec::with_capacity(parts.len());
        for part in parts {
            upto += weight(part)? / total;
            mixed.push((upto, Dist::from_value(part, depth + 1)?));
        }
        Ok(Dist::Mix(mixed))
    }
}

impl<'de> Deserialize<'de> for Dist {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        Dist::from_value(&value, 0).map_err(serde::de::Error::custom)
    }
}

fn number(value: &toml::Value) -> Option<f64> {
    value.as_float().or(value.as_integer().map(|whole| whole as f64))
}

fn non_negative(key: &str, value: f64) -> Result<f64, String> {
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err(format!("`{key}` must be a number of 0 or more")) }
}

/// A standard normal draw (Box and Muller 1958, one of the pair).
pub(crate) fn normal(stream: &mut Stream) -> f64 {
    let radius = (-2.0 * (1.0 - stream.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * stream.unit()).cos()
}

/// An exponential draw.
pub(crate) fn exponential(stream: &mut Stream, mean: f64) -> f64 {
    -mean * (1.0 - stream.unit()).ln()
}
