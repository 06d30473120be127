# frozen_string_literal: true

# Trains a small network on handwritten digits, trial by trial, in plain Ruby.
#
#     ruby sample/digits.rb --server localhost:50051 --experiment digits
#
# The experiment has the parameters `lr` and `hidden`, the metric `val_loss` and epochs as its unit.

require "fileutils"
require "json"
require "optparse"
require_relative "../lib/asha_client"

DIGITS = File.expand_path("../../data/digits.csv", __dir__) # 8 x 8 pixels of 0 to 16, then the digit
TRAIN_COUNT = 1400

# One hidden layer of rectified units, trained by stochastic gradient descent.
class Network
  def initialize(learning_rate, hidden, seed)
    @rate = learning_rate
    @random = Random.new(seed)
    @first = matrix(hidden, 65)
    @second = matrix(10, hidden + 1)
  end

  def train_one_epoch(examples)
    examples.shuffle(random: @random).each { |pixels, digit| learn(pixels, digit) }
  end

  # The mean cross-entropy.
  def loss(examples)
    examples.sum { |pixels, digit| -Math.log(forward(pixels)[1][digit] + 1e-12) } / examples.size
  end

  # Writes the weights, whole or not at all; the path to load them from.
  def save(path)
    FileUtils.mkdir_p(File.dirname(path))
    File.write("#{path}.part", JSON.generate([@first, @second]))
    File.rename("#{path}.part", path)
    path
  end

  def load(path)
    @first, @second = JSON.parse(File.read(path))
  rescue SystemCallError, JSON::ParserError => e
    raise AshaClient::CheckpointUnreadable, e.message
  end

  private

  def matrix(rows, columns)
    scale = Math.sqrt(6.0 / columns)
    Array.new(rows) { Array.new(columns) { (2 * @random.rand - 1) * scale } }
  end

  def dot(row, values)
    sum = 0.0
    index = 0
    while index < row.size # twice as fast as zip and sum
      sum += row[index] * values[index]
      index += 1
    end
    sum
  end

  def forward(pixels)
    units = @first.map { |row| [dot(row, pixels), 0.0].max } << 1.0
    scores = @second.map { |row| dot(row, units) }
    powers = scores.map { |score| Math.exp(score - scores.max) }
    [units, powers.map { |power| power / powers.sum }]
  end

  def learn(pixels, digit)
    units, blame = forward(pixels)
    blame[digit] -= 1
    passed_on = @first.each_index.map do |unit|
      units[unit].positive? ? @second.each_with_index.sum { |row, k| row[unit] * blame[k] } : 0.0
    end
    descend(@second, blame, units)
    descend(@first, passed_on, pixels)
  end

  def descend(rows, blame, inputs)
    rows.each_with_index do |row, unit|
      step = @rate * blame[unit]
      next if step.zero?

      row.each_index { |index| row[index] -= step * inputs[index] }
    end
  end
end

options = { experiment: "digits", checkpoints: "checkpoints" }
OptionParser.new do |parser|
  parser.on("--server ADDRESS")
  parser.on("--experiment ID")
  parser.on("--checkpoints FOLDER")
end.parse!(into: options)

examples = File.foreach(DIGITS).map do |line|
  *pixels, digit = line.split(",").map(&:to_i)
  [pixels.map { |pixel| pixel / 16.0 } << 1.0, digit]
end
training = examples.first(TRAIN_COUNT)
held_out = examples.drop(TRAIN_COUNT)
client = AshaClient.connect(*options[:server])
client.experiment(options[:experiment]).trials.each do |trial|
  network = Network.new(*trial.parameters.values_at("lr", "hidden"), trial.seed)
  network.load(trial.checkpoint) unless trial.checkpoint.empty?
  (trial.start_step + 1..trial.max_length).each do |step|
    network.train_one_epoch(training)
    loss = network.loss(held_out)
    name = "#{options[:experiment]}-#{trial.number}-#{step}.json"
    path = network.save(File.expand_path(name, options[:checkpoints]))
    decision = trial.report(step, { trial.metric => loss }, checkpoint: path)
    puts "trial #{trial.number} epoch #{step}: #{loss.round(4)} #{decision.verdict}"
    break if decision.stop?
  end
end
