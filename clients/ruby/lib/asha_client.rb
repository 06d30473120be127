# frozen_string_literal: true

require "logger"
require "securerandom"
require "socket"

$LOAD_PATH.unshift(__dir__) unless $LOAD_PATH.include?(__dir__)
require "asha/v1/admin_service_services_pb"
require "asha/v1/experiment_service_services_pb"
require "asha/v1/suggestion_service_services_pb"
require_relative "asha_client/errors"
require_relative "asha_client/identity"
require_relative "asha_client/trial"
require_relative "asha_client/trials"

# The Ruby client of the ASHA server.
#
#     experiment = AshaClient.connect("localhost:50051").experiment("digits")
#     experiment.trials.each do |trial|
#       (trial.start_step + 1..trial.max_length).each do |step|
#         break if trial.report(step, { "val_loss" => train }).stop?
#       end
#     end
module AshaClient
  class << self
    # Where warnings go; standard error by default.
    attr_writer :logger

    def logger
      @logger ||= Logger.new($stderr, progname: "asha")
    end

    # A client of one server. Does no I/O; keywords as for Client#initialize.
    def connect(address = ENV.fetch("ASHA_SERVER", "localhost:50051"), **options)
      Client.new(address, **options)
    end

    # Credentials of TLS, from PEM texts; with key and certificate, mutual TLS.
    def tls(root_certificates, key = nil, certificate = nil)
      GRPC::Core::ChannelCredentials.new(root_certificates, key, certificate)
    end
  end

  # A client of one server; threads may share it.
  class Client
    STUBS = [Asha::V1::SuggestionService, Asha::V1::ExperimentService, Asha::V1::AdminService]
            .to_h { |service| [service::Service.service_name, service::Stub] }.freeze
    CHANNEL_OPTIONS = {
      "grpc.initial_reconnect_backoff_ms" => 100, "grpc.min_reconnect_backoff_ms" => 1000,
      "grpc.max_reconnect_backoff_ms" => 5000, "grpc.enable_retries" => 0
    }.freeze
    FIRST_WARNING_S = 10.0

    # credentials:: of TLS; nil: plaintext
    # token:: sent as `authorization: Bearer TOKEN`
    # deadline_s:: of each attempt at a call that does not wait
    # first_backoff_s, max_backoff_s:: ceilings of the first pause between attempts, and of each
    # retry_for_s:: how long a call is sent again; nil: for ever, with warnings
    def initialize(address, credentials: nil, token: ENV["ASHA_TOKEN"], deadline_s: 10.0,
                   first_backoff_s: 0.2, max_backoff_s: 20.0, retry_for_s: nil)
      @address = address
      @metadata = token.to_s.empty? ? {} : { "authorization" => "Bearer #{token}" }
      @deadline_s = deadline_s
      @first_backoff_s = first_backoff_s
      @max_backoff_s = max_backoff_s
      @retry_for_s = retry_for_s
      @channel = GRPC::Core::Channel.new(address, CHANNEL_OPTIONS,
                                         credentials || :this_channel_is_insecure)
    end

    def experiment(experiment_id)
      Experiment.new(self, experiment_id)
    end

    # The answer to one request, with deadline, token, retries and typed errors.
    #
    # method:: as `asha.v1.ExperimentService/GetTrial`
    # request:: the same message for every attempt
    # wait_s:: how long the server may hold the call, beside its deadline
    # retry_for_s:: 0: not at all
    # Yields the operation of each attempt, so that its caller may cancel it. Raises Error.
    def call(method, request, deadline_s: @deadline_s, wait_s: 0.0, retry_for_s: @retry_for_s,
             &block)
      backoff = Backoff.new(method, @address, @first_backoff_s, @max_backoff_s, retry_for_s)
      begin
        attempt(method, request, deadline_s + wait_s, &block)
      rescue GRPC::BadStatus => e
        sleep(backoff.pause_after(Error.decode(e)))
        retry
      end
    end

    def close
      @channel.close
    end

    private

    def attempt(method, request, timeout_s)
      service, name = method.split("/")
      stub = STUBS.fetch(service).new(@address, nil, channel_override: @channel)
      operation = stub.public_send(GRPC::GenericService.underscore(name), request,
                                   deadline: Time.now + timeout_s, metadata: @metadata.dup,
                                   return_op: true)
      yield operation if block_given?
      operation.execute
    end
  end

  # When to send one call again: exponential with full jitter, a warning per growing interval.
  class Backoff
    def initialize(method, address, first_s, max_s, retry_for_s)
      @method = method
      @address = address
      @ceiling_s = first_s
      @max_s = max_s
      @retry_for_s = retry_for_s
      @began = AshaClient.now
      @warn_after_s = Client::FIRST_WARNING_S
    end

    # Seconds to wait before the next attempt; raises the error if there may be none.
    def pause_after(error)
      elapsed_s = AshaClient.now - @began
      raise error unless error.retryable?

      pause_s = (error.retry_delay_s || 0.0) + rand * [@ceiling_s, @max_s].min
      @ceiling_s = [@ceiling_s * 2, @max_s].min
      raise error if @retry_for_s && elapsed_s + pause_s > @retry_for_s

      warn_after(elapsed_s, error)
      pause_s
    end

    private

    def warn_after(elapsed_s, error)
      return if elapsed_s < @warn_after_s

      @warn_after_s = 2 * elapsed_s
      AshaClient.logger.warn(
        "#{@method} has failed for #{elapsed_s.round} s, still trying: #{error.message} (#{@address})"
      )
    end
  end

  # An experiment by its id.
  class Experiment
    attr_reader :id

    def initialize(client, id)
      @client = client
      @id = id
    end

    # The trials of one worker, until the search is finished.
    def trials(worker_id: nil)
      Trials.new(@client, @id, worker_id.to_s.empty? ? Identity.default_worker_id : worker_id)
    end
  end

  # Seconds of a clock that only goes forward.
  def self.now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end
