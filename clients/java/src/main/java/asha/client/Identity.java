package asha.client;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Who this worker is: a name that survives a restart where the platform gives one. */
final class Identity {
  private static final int MAX_NAME_BYTES = 128;
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final Set<String> CLAIMED = ConcurrentHashMap.newKeySet();

  /** This process's random name. */
  static final String INCARNATION = random(8);

  private Identity() {}

  /** So many random bytes as hexadecimal text. */
  static String random(int bytes) {
    byte[] buffer = new byte[bytes];
    RANDOM.nextBytes(buffer);
    return HexFormat.of().formatHex(buffer);
  }

  /**
   * The worker's name as the platform gives it: Slurm's job and task, pod and container, else host,
   * device and a random part.
   */
  static String defaultWorkerId(Map<String, String> environment) {
    String cuda = environment.getOrDefault("CUDA_VISIBLE_DEVICES", "");
    String device = cuda.isEmpty() ? "" : "cuda" + cuda;
    String job = environment.get("SLURM_JOB_ID");
    if (job != null) {
      String array = environment.get("SLURM_ARRAY_JOB_ID");
      String task = environment.get("SLURM_ARRAY_TASK_ID");
      return joined(
          "slurm",
          array != null && task != null ? array + "_" + task : job,
          environment.getOrDefault("SLURM_STEP_ID", "0"),
          environment.getOrDefault("SLURM_PROCID", "0"));
    }
    if (environment.containsKey("KUBERNETES_SERVICE_HOST")) {
      String host = environment.getOrDefault("HOSTNAME", "");
      return joined(
          "pod",
          environment.getOrDefault("POD_NAME", host.isEmpty() ? hostName() : host),
          environment.getOrDefault("CONTAINER_NAME", ""),
          device,
          environment.getOrDefault("LOCAL_RANK", ""));
    }
    return joined(hostName(), device, random(4));
  }

  /** The name, or the name with a number if another loop of this process has it now. */
  static String claim(String workerId) {
    String name = workerId;
    for (int number = 2; !CLAIMED.add(name); number++) {
      name = workerId.substring(0, Math.min(workerId.length(), MAX_NAME_BYTES - 11)) + "-" + number;
    }
    return name;
  }

  /** Gives a claimed name back. */
  static void unclaim(String workerId) {
    CLAIMED.remove(workerId);
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException nameless) {
      return "host";
    }
  }

  /** The parts that are not empty, in at most 128 printable ASCII characters. */
  private static String joined(String... parts) {
    String name = Stream.of(parts).filter(p -> !p.isEmpty()).collect(Collectors.joining("-"));
    String printable = name.replaceAll("[^!-~]", "_");
    return printable.substring(0, Math.min(printable.length(), MAX_NAME_BYTES));
  }
}
