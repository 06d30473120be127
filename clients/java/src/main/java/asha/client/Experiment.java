package asha.client;

/** One experiment of a server. */
public final class Experiment {
  private final AshaClient client;
  private final String id;

  Experiment(AshaClient client, String id) {
    this.client = client;
    this.id = id;
  }

  /**
   * Its id.
   *
   * @return as it was given
   */
  public String id() {
    return id;
  }

  /**
   * The trials for a worker with the platform's name: Slurm's job and task, pod and container, else
   * host, device and a random part.
   *
   * @return to be iterated once, and closed
   */
  public Trials trials() {
    return new Trials(client, id, "");
  }

  /**
   * The trials for a named worker.
   *
   * @param workerId one trial at a time each; 1 to 128 printable ASCII characters
   * @return to be iterated once, and closed
   */
  public Trials trials(String workerId) {
    return new Trials(client, id, workerId);
  }

  /**
   * Trains every trial until the search is finished; see {@link Trials#run}.
   *
   * @param body trains one trial
   * @throws AshaException what the server refused for good; reason WORKER_FAILING after three
   *     assignments in a row that failed without a report
   */
  public void run(TrialBody body) {
    try (Trials trials = trials()) {
      trials.run(body);
    }
  }

  @Override
  public String toString() {
    return "Experiment[" + id + " at " + client + "]";
  }
}
