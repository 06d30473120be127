# frozen_string_literal: true

require "google/protobuf/well_known_types"
require "google/rpc/error_details_pb"
require "google/rpc/status_pb"

module AshaClient
  # A refusal by the server, or a failure of the network.
  #
  # code:: name of the gRPC status, empty for errors of this client
  # reason:: name of asha.v1.ErrorReason without prefix, empty without one
  # metadata:: dynamic parts of the message, by key
  # violations:: pairs of field and description
  # retry_delay_s:: seconds after which a retry is worthwhile; nil: none was named
  class Error < StandardError
    attr_reader :code, :reason, :metadata, :violations, :retry_delay_s

    CODES = GRPC::Core::StatusCodes.constants.to_h do |name|
      [GRPC::Core::StatusCodes.const_get(name), name.to_s]
    end.freeze

    def initialize(message, code: "", reason: "", metadata: {}, violations: [], retry_delay_s: nil)
      super(message)
      @code = code
      @reason = reason
      @metadata = metadata
      @violations = violations
      @retry_delay_s = retry_delay_s
    end

    # Whether the same call may be sent again.
    def retryable?
      %w[UNAVAILABLE DEADLINE_EXCEEDED].include?(code) ||
        (code == "RESOURCE_EXHAUSTED" && !retry_delay_s.nil?)
    end

    # Whether the trial is no longer this worker's.
    def gone?
      %w[LEASE_LOST TRIAL_ENDED].include?(reason)
    end

    # The typed error of a failed call. Details that cannot be read leave the reason empty.
    def self.decode(status)
      fields = { code: CODES.fetch(status.code, "UNKNOWN") }
      details_of(status).each { |any| add_detail(fields, any) }
      new(status.details, **fields)
    end

    def self.details_of(status)
      bytes = status.metadata["grpc-status-details-bin"]
      bytes ? Google::Rpc::Status.decode(bytes).details.to_a : []
    rescue Google::Protobuf::ParseError
      []
    end

    def self.add_detail(fields, any)
      if (info = any.unpack(Google::Rpc::ErrorInfo))
        fields[:reason] = info.reason
        fields[:metadata] = info.metadata.to_h
      elsif (bad = any.unpack(Google::Rpc::BadRequest))
        fields[:violations] = bad.field_violations.map { |v| [v.field, v.description] }
      elsif (retry_info = any.unpack(Google::Rpc::RetryInfo))
        delay = retry_info.retry_delay
        fields[:retry_delay_s] = delay.seconds + delay.nanos / 1e9
      end
    end
    private_class_method :details_of, :add_detail
  end

  # Raised by #next_trial after three assignments in a row that failed without a report.
  class WorkerFailing < Error
    def initialize(message)
      super(message, reason: "WORKER_FAILING")
    end
  end

  # Raised by training code: these parameters cannot work, the trial is replaced.
  class Infeasible < StandardError; end

  # Raised by training code: the checkpoint cannot be read, the trial starts from scratch.
  class CheckpointUnreadable < StandardError; end
end
