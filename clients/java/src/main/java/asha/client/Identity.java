package asha.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Who this worker is: a name that survives a restart where the platform gives one. */
final class Identity {
  private static final int MAX_NAME_BYTES = 128;
  private static final SecureRandom RANDOM = new SecureRandom();

  /** Locked files by worker name; each held until the process ends or gives the name back. */
  private static final Map<String, Optional<FileChannel>> CLAIMED = new HashMap<>();

  private static final Optional<FileChannel> NO_FILE = Optional.empty();
  private static final Set<OpenOption> LOCK_OPTIONS =
      Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);

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

  /**
   * The name, or the name with a number if another worker of this machine has it now.
   *
   * <p>Two processes in one pod, or two loops in one process, would otherwise take the trial out of
   * each other's hands for ever. Held by a lock on a file in the temporary directory; a restarted
   * process gets the same name again.
   */
  static synchronized String claim(String workerId) {
    String name = workerId;
    for (int number = 2; CLAIMED.containsKey(name) || !lock(name); number++) {
      name = workerId.substring(0, Math.min(workerId.length(), MAX_NAME_BYTES - 11)) + "-" + number;
    }
    return name;
  }

  /** Gives a claimed name back. */
  static synchronized void unclaim(String workerId) {
    Optional<FileChannel> file = Objects.requireNonNullElse(CLAIMED.remove(workerId), NO_FILE);
    file.ifPresent(Identity::close);
  }

  /** Whether this process now has the name to itself. */
  private static boolean lock(String name) {
    FileChannel file;
    try {
      file = FileChannel.open(lockFile(name), LOCK_OPTIONS, ownerOnly());
    } catch (IOException placeless) {
      CLAIMED.put(name, NO_FILE); // no place for lock files: the name stands as it is
      return true;
    }
    try {
      if (file.tryLock() == null) {
        close(file);
        return false;
      }
    } catch (IOException lockless) { // a file system without locks
      close(file);
      CLAIMED.put(name, NO_FILE);
      return true;
    } catch (OverlappingFileLockException elsewhere) {
      // Another class loader of this process has it. To close the file would free its lock (fcntl).
      CLAIMED.put(name, Optional.of(file));
      return false;
    }
    CLAIMED.put(name, Optional.of(file));
    return true;
  }

  private static Path lockFile(String name) {
    String user = System.getProperty("user.name");
    byte[] digest;
    try {
      digest =
          MessageDigest.getInstance("SHA-256")
              .digest((user + "\n" + name).getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException impossible) { // every Java has it
      throw new AssertionError(impossible);
    }
    String part = HexFormat.of().formatHex(digest, 0, 12);
    return Path.of(System.getProperty("java.io.tmpdir"), "asha-worker-java-" + part + ".lock");
  }

  private static FileAttribute<?>[] ownerOnly() {
    return FileSystems.getDefault().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
        }
        : new FileAttribute<?>[0]; // Windows has a temporary directory a user
  }

  private static void close(FileChannel file) {
    try {
      file.close();
    } catch (IOException unheard) {
      throw new UncheckedIOException(unheard);
    }
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
