# frozen_string_literal: true

# The conformance driver of the Ruby client: clients/conformance/README.md is what it does.

require "json"
require_relative "lib/asha_client"

class Driver
  POOL = Google::Protobuf::DescriptorPool.generated_pool

  def connect(step)
    close(step)
    read = ->(key) { step[key].to_s.empty? ? nil : File.read(step[key]) }
    roots = read["root_certificates"]
    @client = AshaClient.connect(
      step["address"], token: step["token"], deadline_s: step["deadline_s"],
      first_backoff_s: step["backoff_initial_s"], max_backoff_s: step["backoff_max_s"],
      retry_for_s: step["give_up_after_s"],
      credentials: roots && AshaClient.tls(roots, read["client_key"], read["client_certificate"])
    )
    @worker_id = step["worker_id"]
    {}
  end

  def call(step)
    name = step["method"][%r{[^/]+$}]
    request = POOL.lookup("asha.v1.#{name}Request").msgclass.decode_json(JSON.generate(step["request"]))
    options = { deadline_s: step["deadline_s"], retry_for_s: step["give_up_after_s"] }.compact
    response = @client.call(step["method"], request, **options) do |operation|
      cancel_after(operation, step["cancel_after_s"]) if step["cancel_after_s"]
    end
    JSON.parse(response.class.encode_json(response))
  end

  def next_trial(step)
    @trials ||= @client.experiment(step["experiment_id"]).trials(worker_id: @worker_id)
    @trial = @trials.next_trial
    @trial ? told(@trial) : { "finished" => true }
  end

  def report(step)
    metrics = step["metrics"].transform_values { |value| number(value) }
    decided(@trial.report(step["step"].to_i, metrics, checkpoint: step["checkpoint"].to_s))
  end

  def decision(_)
    @trial.decision ? decided(@trial.decision) : {}
  end

  def checkpoint(step)
    @trial.save_checkpoint(step["step"].to_i, step["uri"])
    {}
  end

  def fail(step)
    @trial.fail(RuntimeError.new(step["message"]))
    {}
  end

  def infeasible(step)
    @trial.fail(AshaClient::Infeasible.new(step["message"]))
    {}
  end

  def release(_)
    @trial.release("released by the driver")
    {}
  end

  def end(_)
    @trial.complete
    {}
  end

  def close(_)
    @trials&.close
    @client&.close
    @client = @trials = @trial = nil
    {}
  end

  private

  def cancel_after(operation, seconds)
    Thread.new do
      sleep(seconds)
      operation.cancel
    end
  end

  def number(value)
    { "NaN" => Float::NAN, "Infinity" => Float::INFINITY, "-Infinity" => -Float::INFINITY }
      .fetch(value) { value.to_f }
  end

  def told(trial)
    { trial: trial.number, attempt: trial.attempt, kind: trial.kind, start_step: trial.start_step,
      resumed_from: trial.checkpoint, target_length: trial.next_decision_step,
      max_length: trial.max_length, seed: trial.seed,
      configuration: trial.configuration.map { |p| [p.name, p.kind, shown(p)] } }
  end

  def shown(parameter)
    parameter.kind == "int" ? parameter.value.to_s : parameter.value
  end

  def decided(decision)
    { verdict: decision.verdict, reason: decision.reason }
  end
end

STEPS = %w[connect call next_trial report decision checkpoint fail infeasible release end close].freeze

def answer(driver, step)
  raise ArgumentError, "no step #{step["do"]}" unless STEPS.include?(step["do"])

  { ok: driver.public_send(step["do"], step) }
rescue AshaClient::Error => e
  { error: { code: e.code, reason: e.reason, message: e.message, metadata: e.metadata,
             violations: e.violations, retry_delay_s: e.retry_delay_s } }
rescue StandardError => e
  { error: { code: "DRIVER", message: e.full_message(highlight: false) } }
end

$stdin.set_encoding("UTF-8")
$stdout.sync = true
driver = Driver.new
$stdin.each_line do |line|
  step = JSON.parse(line)
  puts JSON.generate({ id: step["id"] }.merge(answer(driver, step)))
end
driver.close({})
