# frozen_string_literal: true

module AshaClient
  # Who this worker is: a name that survives a restart where the platform gives one.
  module Identity
    @incarnation_id = SecureRandom.hex(8)

    class << self
      # This process's random name.
      attr_reader :incarnation_id

      # Slurm's job and task, Kubernetes' pod and container, else host, device and a random part.
      def default_worker_id(env = ENV)
        name = slurm(env) || pod(env) ||
               named(Socket.gethostname, cuda(env), SecureRandom.hex(4))
        name.gsub(/[^!-~]/, "_")[0, 128]
      end

      private

      def slurm(env)
        job = env["SLURM_JOB_ID"] or return
        array, task = env.values_at("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID")
        job = "#{array}_#{task}" if array && task
        named("slurm", job, env.fetch("SLURM_STEP_ID", "0"), env.fetch("SLURM_PROCID", "0"))
      end

      def pod(env)
        return unless env["KUBERNETES_SERVICE_HOST"]

        pod = env["POD_NAME"] || env["HOSTNAME"] || Socket.gethostname
        named("pod", pod, env["CONTAINER_NAME"], cuda(env), env["LOCAL_RANK"])
      end

      def cuda(env)
        device = env["CUDA_VISIBLE_DEVICES"].to_s
        "cuda#{device}" unless device.empty?
      end

      def named(*parts)
        parts.reject { |part| part.to_s.empty? }.join("-")
      end
    end
  end
end
