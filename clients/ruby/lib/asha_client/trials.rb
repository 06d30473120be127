# frozen_string_literal: true

module AshaClient
  # The trials of one worker, one after the other. SIGTERM gives the one in hand back.
  class Trials
    LONG_POLL_S = 20
    FAILURE_LIMIT = 3
    RELEASE_S = 1.5
    METHOD = "asha.v1.SuggestionService/GetSuggestion"

    include Enumerable

    attr_reader :worker_id

    def initialize(client, experiment_id, worker_id)
      @client = client
      @experiment_id = experiment_id
      @worker_id = worker_id
      @failures = 0
      release_on_sigterm
    end

    # Yields each trial until the search is finished. The end of the block completes it, unless
    # there is a verdict; an error fails it, and the loop goes on; `break` gives it back.
    def each
      while (trial = next_trial)
        begin
          yield trial
        rescue Error
          trial.release("the server or the network failed")
          raise
        rescue StandardError => e
          AshaClient.logger.error("trial #{trial.number} failed: #{e.full_message(highlight: false)}")
          trial.fail(e)
        end
      end
    ensure
      close
    end

    # The next trial, nil when the search is finished; the one in hand is complete.
    # Raises WorkerFailing, Error.
    def next_trial
      leave
      if @failures >= FAILURE_LIMIT
        raise WorkerFailing, "#{@failures} assignments in a row failed on #{@worker_id} without a report"
      end

      assignment = ask
      @current = assignment && Trial.new(@client, assignment)
    end

    # Gives the trial in hand back.
    def close
      @current&.release("the loop was left", retry_for_s: RELEASE_S)
    rescue Error => e
      AshaClient.logger.warn("the trial is handed on when its lease expires: #{e.message}")
    ensure
      @current = nil
    end

    private

    def leave
      trial, @current = @current, nil
      return unless trial

      trial.complete
      return if trial.failure == :FAILURE_KIND_INFEASIBLE

      @failures = trial.failed_unreported? ? @failures + 1 : 0
    end

    # The next assignment; nil when there will be none.
    def ask
      loop do
        began = AshaClient.now
        response = ask_once or next
        case response.result
        when :assignment then return response.assignment
        when :finished then return nil
        end
        held = AshaClient.now - began >= LONG_POLL_S / 2
        delay = response.wait&.retry_after
        sleep(delay ? delay.seconds + delay.nanos / 1e9 : 1.0) unless held
      end
    end

    # One ask, under a request_id of its own; nil if its attempt is over already.
    def ask_once
      request = Asha::V1::GetSuggestionRequest.new(
        experiment_id: @experiment_id, worker_id: @worker_id,
        incarnation_id: Identity.incarnation_id, request_id: SecureRandom.hex(16),
        max_wait: Google::Protobuf::Duration.new(seconds: LONG_POLL_S)
      )
      @client.call(METHOD, request, wait_s: LONG_POLL_S)
    rescue Error => e
      raise unless e.reason == "LEASE_LOST"

      sleep(0.1)
      nil
    end

    # A handler may not wait for locks, so a thread does what it asks for.
    def release_on_sigterm
      wishes = Thread::Queue.new
      trap("TERM") { wishes << true }
      Thread.new do
        wishes.pop
        close
        Process.exit!(143)
      end
    end
  end
end
