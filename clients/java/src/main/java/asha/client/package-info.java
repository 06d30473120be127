/**
 * The Java client of the ASHA server: a loop over the trials of an experiment.
 *
 * <p>Begin at {@link asha.client.AshaClient}. {@link asha.client.Trial} is what training code
 * holds, {@link asha.client.AshaException} what may go wrong. The messages of the wire are the
 * package {@code asha.v1}, generated from {@code protos/asha/v1}.
 */
package asha.client;
