//! Trains a small network on handwritten digits, trial by trial.
//!
//! ```sh
//! cargo run --release --example digits -- --server localhost:50051 --experiment digits
//! ```
//!
//! The experiment has the parameters `lr` and `hidden`, the metric `val_loss` (to be minimized) and
//! epochs as its unit.

use std::path::{Path, PathBuf};
use std::{env, fs, io, iter};

use asha_client::{BoxError, Failure, Trial};

/// 8 x 8 pixels of 0 to 16, then the digit, a line each.
const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/digits.csv");
const PIXELS: usize = 64;
const CLASSES: usize = 10;
const TRAIN_COUNT: usize = 1400;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let mut server = String::new(); // ASHA_SERVER, then localhost:50051
    let mut experiment = "digits".to_owned();
    let mut checkpoints = PathBuf::from("checkpoints");
    let mut arguments = env::args().skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{option} wants a value"))?;
        match option.as_str() {
            "--server" => server = value,
            "--experiment" => experiment = value,
            "--checkpoints" => checkpoints = value.into(),
            _ => return Err(format!("unknown option {option}").into()),
        }
    }
    fs::create_dir_all(&checkpoints)?;
    let checkpoints = checkpoints.canonicalize()?;
    let images = read_digits()?;

    let trials = asha_client::connect(&server)?.experiment(experiment).trials();
    trials
        .shutdown_on(asha_client::termination())
        .run(async |trial| train(&trial, &images, &checkpoints).await)
        .await?;
    Ok(())
}

/// Trains one trial until it has its verdict.
async fn train(trial: &Trial, images: &[Image], checkpoints: &Path) -> Result<(), BoxError> {
    let hidden = trial.int("hidden")?.try_into()?;
    let mut network = Network::new(trial.double("lr")?, hidden, trial.seed());
    if let Some(path) = trial.checkpoint() {
        let unreadable = |error| Failure::checkpoint_unreadable(format!("{path}: {error}"));
        network.load(path).map_err(unreadable)?;
    }
    let (training, validation) = images.split_at(TRAIN_COUNT);
    for step in trial.steps() {
        network.train_one_epoch(training);
        let loss = network.loss(validation);
        let mut checkpoint = String::new();
        if trial.needs_checkpoint(step) {
            let name = format!("{}-{}-{step}.weights", trial.experiment_id(), trial.number());
            checkpoint = network.save(&checkpoints.join(name))?;
        }
        let decision = trial.report_with_checkpoint(step, [("val_loss", loss)], checkpoint).await?;
        println!("trial {} epoch {step}: {loss:.4} {:?}", trial.number(), decision.verdict);
    }
    Ok(())
}

struct Image {
    /// Of 0 to 1.
    pixels: [f64; PIXELS],
    digit: usize,
}

fn read_digits() -> Result<Vec<Image>, BoxError> {
    let parse = |line: &str| -> Result<Image, BoxError> {
        let numbers: Vec<u8> = line.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let (digit, pixels) = numbers.split_last().ok_or("an empty line")?;
        let pixels = <[u8; PIXELS]>::try_from(pixels)?.map(|pixel| f64::from(pixel) / 16.0);
        Ok(Image { pixels, digit: usize::from(*digit) })
    };
    let text = fs::read_to_string(DIGITS).map_err(|error| format!("{DIGITS}: {error}"))?;
    text.lines().map(parse).collect()
}

/// One hidden layer of rectified units, trained by stochastic gradient descent.
struct Network {
    learning_rate: f64,
    random: fastrand::Rng,
    /// One row a hidden unit: a weight for each pixel, and the bias.
    inner: Vec<[f64; PIXELS + 1]>,
    /// One row a hidden unit, and the biases: a weight for each class.
    outer: Vec<[f64; CLASSES]>,
}

impl Network {
    fn new(learning_rate: f64, hidden: usize, seed: u32) -> Self {
        let mut random = fastrand::Rng::with_seed(seed.into());
        let mut weight = |inputs: usize| (random.f64() - 0.5) * (24.0 / inputs as f64).sqrt();
        let inner = iter::repeat_with(|| std::array::from_fn(|_| weight(PIXELS)));
        let inner = inner.take(hidden).collect();
        let outer = iter::repeat_with(|| std::array::from_fn(|_| weight(hidden)));
        let outer = outer.take(hidden + 1).collect();
        Self { learning_rate, random, inner, outer }
    }

    /// The hidden units' activations with a one for the bias, and the chance of each class.
    fn forward(&self, pixels: &[f64; PIXELS]) -> (Vec<f64>, [f64; CLASSES]) {
        let activation = |weights: &[f64; PIXELS + 1]| {
            let products = weights.iter().zip(pixels).map(|(weight, pixel)| weight * pixel);
            (products.sum::<f64>() + weights[PIXELS]).max(0.0)
        };
        let hidden: Vec<f64> = self.inner.iter().map(activation).chain([1.0]).collect();
        let score = |class: usize| -> f64 {
            hidden.iter().zip(&self.outer).map(|(unit, weights)| unit * weights[class]).sum()
        };
        let scores: [f64; CLASSES] = std::array::from_fn(score);
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let odds = scores.map(|score| (score - highest).exp());
        let total: f64 = odds.iter().sum();
        (hidden, odds.map(|odd| odd / total))
    }

    fn learn(&mut self, image: &Image) {
        let (hidden, mut blame) = self.forward(&image.pixels);
        blame[image.digit] -= 1.0;
        for (unit, weights) in self.inner.iter_mut().enumerate() {
            if hidden[unit] > 0.0 {
                let products = self.outer[unit].iter().zip(&blame).map(|(w, blame)| w * blame);
                let change = self.learning_rate * products.sum::<f64>();
                for (weight, pixel) in weights.iter_mut().zip(image.pixels.iter().chain([&1.0])) {
                    *weight -= change * pixel;
                }
            }
        }
        for (weights, unit) in self.outer.iter_mut().zip(&hidden) {
            for (weight, blame) in weights.iter_mut().zip(&blame) {
                *weight -= self.learning_rate * unit * blame;
            }
        }
    }

    /// One pass over the images, in a new order.
    fn train_one_epoch(&mut self, images: &[Image]) {
        let mut order: Vec<usize> = (0..images.len()).collect();
        self.random.shuffle(&mut order);
        for index in order {
            self.learn(&images[index]);
        }
    }

    /// The mean cross-entropy.
    fn loss(&self, images: &[Image]) -> f64 {
        let loss = |image: &Image| -(self.forward(&image.pixels).1[image.digit] + 1e-12).ln();
        images.iter().map(loss).sum::<f64>() / images.len() as f64
    }

    fn weights(&mut self) -> impl Iterator<Item = &mut f64> {
        self.inner.iter_mut().flatten().chain(self.outer.iter_mut().flatten())
    }

    /// Writes the weights, whole or not at all; the path to load them from.
    fn save(&mut self, path: &Path) -> Result<String, BoxError> {
        let data: Vec<u8> = self.weights().flat_map(|weight| weight.to_le_bytes()).collect();
        let part = path.with_extension("part");
        fs::write(&part, data)?;
        fs::rename(part, path)?;
        Ok(path.to_str().ok_or("a checkpoint's path must be UTF-8")?.to_owned())
    }

    fn load(&mut self, path: &str) -> io::Result<()> {
        let data = fs::read(path)?;
        let (numbers, rest) = data.as_chunks::<8>();
        if numbers.len() != self.weights().count() || !rest.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a network of this size"));
        }
        for (weight, number) in self.weights().zip(numbers) {
            *weight = f64::from_le_bytes(*number);
        }
        Ok(())
    }
}
