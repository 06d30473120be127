package asha.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Names of workers. */
class IdentityTest {
  private static final String NAME = "pod-" + ProcessHandle.current().pid();

  /** Another process: claims a name, prints what it got, and lives until it is killed. */
  static final class Claimer {
    private Claimer() {}

    /**
     * Claims.
     *
     * @param arguments the name
     */
    public static void main(String[] arguments) throws InterruptedException {
      System.out.println(Identity.claim(arguments[0]));
      Thread.sleep(60_000);
    }
  }

  private record Claimed(String name, Process process) {
    static Claimed elsewhere(String name) throws IOException {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  Claimer.class.getName(),
                  name)
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      BufferedReader output = process.inputReader();
      return new Claimed(output.readLine(), process);
    }

    void kill() {
      process.destroyForcibly().onExit().join();
    }
  }

  @Test
  void slurmAndKubernetesNameTheWorkerTheSameAgain() {
    Map<String, String> slurm =
        Map.of("SLURM_JOB_ID", "12", "SLURM_STEP_ID", "1", "SLURM_PROCID", "3");
    Map<String, String> pod =
        Map.of(
            "KUBERNETES_SERVICE_HOST", "10.0.0.1", "POD_NAME", "trainer-0", "CONTAINER_NAME", "a");

    assertEquals("slurm-12-1-3", Identity.defaultWorkerId(slurm));
    assertEquals("pod-trainer-0-a", Identity.defaultWorkerId(pod));
  }

  @Test
  void twoLoopsOfOneProcessDoNotShareAName() {
    assertEquals(NAME + "-loop", Identity.claim(NAME + "-loop"));
    assertEquals(NAME + "-loop-2", Identity.claim(NAME + "-loop"));
    Identity.unclaim(NAME + "-loop");
    assertEquals(NAME + "-loop", Identity.claim(NAME + "-loop"));
    Identity.unclaim(NAME + "-loop");
    Identity.unclaim(NAME + "-loop-2");
  }

  @Test
  void twoProcessesDoNotShareANameAndARestartedOneGetsItsOwnAgain() throws IOException {
    Claimed first = Claimed.elsewhere(NAME);
    String here = Identity.claim(NAME);
    first.kill();
    Claimed restarted = Claimed.elsewhere(NAME);
    restarted.kill();
    Identity.unclaim(here);

    assertEquals(NAME, first.name());
    assertEquals(NAME + "-2", here);
    assertEquals(NAME, restarted.name());
  }
}
