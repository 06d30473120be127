# frozen_string_literal: true

module AshaClient
  # What was decided about a trial.
  #
  # verdict:: CONTINUE, STOP or PAUSE; one without a name reads STOP
  # reason:: name of asha.v1.DecisionReason without prefix; any text
  Decision = Struct.new(:verdict, :reason, :next_decision_step, :deletable_checkpoints) do
    def stop?
      verdict != "CONTINUE"
    end

    def self.decode(message, deletable = [])
      known = %i[VERDICT_CONTINUE VERDICT_PAUSE].include?(message.verdict)
      verdict = known ? message.verdict.to_s.delete_prefix("VERDICT_") : "STOP"
      reason = message.reason.to_s.delete_prefix("DECISION_REASON_")
      new(verdict, reason, message.next_decision_step, deletable.to_a)
    end
  end

  # One parameter: `kind` is one of double, int, string, bool, json; json is its canonical text.
  Parameter = Struct.new(:name, :kind, :value)

  # One trial in this worker's hands. Its lease is kept alive by a thread until it ends.
  class Trial
    SERVICE = "asha.v1.SuggestionService/"
    V1 = Asha::V1

    attr_reader :number, :attempt, :kind, :start_step, :checkpoint, :next_decision_step,
                :max_length, :seed, :metric, :configuration, :failure

    def initialize(client, assignment)
      @client = client
      @assignment = assignment
      @number = assignment.trial_number
      @attempt = assignment.lease.attempt
      @kind = assignment.kind.to_s.delete_prefix("ASSIGNMENT_KIND_")
      @start_step = assignment.start_step
      @checkpoint = assignment.checkpoint_uri
      @next_decision_step = assignment.next_decision_step
      @max_length = assignment.max_length
      @seed = assignment.trial_seed
      @metric = assignment.metric
      @configuration = assignment.parameters.map { |p| decode_parameter(p) }
      @lock = Mutex.new
      @changed = ConditionVariable.new
      @ended = @reported = false
      @ttl_s = seconds(assignment.lease.ttl)
      @keepalive = Thread.new { keep_alive }
    end

    # Values by full name; json decoded by whoever wants it.
    def parameters
      configuration.to_h { |parameter| [parameter.name, parameter.value] }
    end

    # The newest decision heard, by a report or a heartbeat; nil before the first.
    def decision
      @lock.synchronize { @decision }
    end

    # Whether there is a lease to keep and to give back.
    def held?
      @lock.synchronize { !@ended && !@decision&.stop? }
    end

    # Whether it failed, as FailTrial says, before its first report.
    def failed_unreported?
      @failure == :FAILURE_KIND_RETRYABLE && !@reported
    end

    # Reports metrics at a step and answers the Decision, once both are durable.
    def report(step, metrics, checkpoint: "")
      values = metrics.map { |name, value| V1::MetricValue.new(name: name.to_s, value: value.to_f) }
      answer = send_call("ReportMetric", V1::ReportMetricRequest, step: step, metrics: values,
                                                                  checkpoint_uri: checkpoint)
      @reported = true
      note(Decision.decode(answer.decision, answer.deletable_checkpoint_uris))
    rescue Error => e
      note(decision_of(e))
    end

    # Tells of a checkpoint between reports.
    def save_checkpoint(step, uri)
      answer = send_call("ReportCheckpoint", V1::ReportCheckpointRequest, step: step,
                                                                          checkpoint_uri: uri)
      note(Decision.decode(answer.decision))
    rescue Error => e
      note(decision_of(e))
    end

    # The training ended by itself and is over.
    def complete
      finish("CompleteTrial", V1::CompleteTrialRequest)
    end

    # The training failed; an Infeasible or CheckpointUnreadable says how.
    def fail(error)
      kind = { Infeasible => :FAILURE_KIND_INFEASIBLE,
               CheckpointUnreadable => :FAILURE_KIND_CHECKPOINT_UNREADABLE }
             .fetch(error.class, :FAILURE_KIND_RETRYABLE)
      @failure = kind if held?
      text = "#{error.class}: #{error.message}\n#{error.backtrace&.first(6)&.join("\n")}"
      finish("FailTrial", V1::FailTrialRequest, kind: kind, message: text.byteslice(0, 2000).scrub(""))
    end

    # Gives the trial back; another worker goes on from the last checkpoint.
    def release(reason = "", retry_for_s: nil)
      finish("ReleaseTrial", V1::ReleaseTrialRequest, { retry_for_s: retry_for_s }.compact,
             reason: reason)
    end

    private

    def decode_parameter(parameter)
      kind = parameter.value.kind
      value = kind && parameter.value[kind.to_s]
      Parameter.new(parameter.name, kind.to_s.delete_suffix("_value"), value)
    end

    def seconds(duration)
      duration.seconds + duration.nanos / 1e9
    end

    def send_call(name, request_class, options = {}, **fields)
      request = request_class.new(experiment_id: @assignment.experiment_id, trial_number: @number,
                                  lease_token: @assignment.lease.token, **fields)
      @client.call(SERVICE + name, request, **options)
    end

    # STOP and PAUSE never change once said.
    def note(decision)
      @lock.synchronize do
        @decision = decision unless @decision&.stop?
        @changed.broadcast if decision.stop?
      end
      decision
    end

    # What stands after a refused report, or the error again.
    def decision_of(error)
      if error.gone?
        AshaClient.logger.warn("trial #{@number} ends on this worker: #{error.message}")
        return Decision.new("STOP", error.reason, 0, [])
      end
      raise error unless error.reason == "METRIC_CONFLICT"

      AshaClient.logger.warn("#{error.message}; the training goes on")
      @reported = true
      recorded = error.metadata
      verdict = %w[CONTINUE PAUSE].include?(recorded["verdict"]) ? recorded["verdict"] : "STOP"
      Decision.new(verdict, recorded["decision_reason"].to_s, recorded["next_decision_step"].to_i, [])
    end

    # Ends the attempt with one call, once; after a verdict nothing is sent.
    def finish(name, request_class, options = {}, **fields)
      was_held = @lock.synchronize do
        held = !@ended && !@decision&.stop?
        @ended = true
        @changed.broadcast
        held
      end
      @keepalive.join unless @keepalive == Thread.current
      send_call(name, request_class, options, **fields) if was_held
    rescue Error => e
      raise unless e.gone? || e.code == "NOT_FOUND"

      AshaClient.logger.warn("trial #{@number} had left this worker already: #{e.message}")
    end

    # A heartbeat each third of the lease, sooner after one that failed.
    def keep_alive
      pause_s = @ttl_s / 3
      loop do
        @lock.synchronize { @changed.wait(@lock, pause_s) unless over? }
        break if @lock.synchronize { over? }

        pause_s = beat ? @ttl_s / 3 : rand * [@ttl_s / 3, 1.0].min
      end
    end

    def over?
      @ended || @decision&.stop?
    end

    # One heartbeat; whether it was answered.
    def beat
      options = { deadline_s: [@ttl_s / 3, 0.5].max, retry_for_s: 0 }
      answer = send_call("Heartbeat", V1::HeartbeatRequest, options)
      @ttl_s = seconds(answer.lease.ttl) if answer.lease
      note(Decision.decode(answer.decision)) if answer.decision
      true
    rescue Error => e
      note(Decision.new("STOP", e.reason, 0, [])) if e.gone? || e.code == "NOT_FOUND"
      AshaClient.logger.debug("a heartbeat failed: #{e.message}")
      false
    end
  end
end
