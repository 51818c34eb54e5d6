import java.util.concurrent.atomic.AtomicLong;

/**
 * When requests are due: one rate after the other, from now on. Whichever thread is free takes the next ticket; when a request
 * is due does not depend on how long earlier ones have taken.
 */
final class Schedule {
    private static final long FOR_EVER = Long.MAX_VALUE / 4;

    /** A time with one rate: its first ticket, when it begins and ends. */
    private record Part(long first, long tickets, long begins, long nanos, long rate) {
        long due(long ticket) {
            return begins + (long) ((ticket - first) * (1e9 / rate));
        }
    }

    private final Part[] parts;
    private final long began;
    private final AtomicLong tickets = new AtomicLong();

    private Schedule(long[] rates, long[] nanos) {
        parts = new Part[rates.length];
        began = System.nanoTime();
        long first = 0;
        long begins = began;
        for (int i = 0; i < parts.length; i++) {
            long count = nanos[i] == FOR_EVER ? FOR_EVER : (long) (rates[i] * (nanos[i] / 1e9));
            parts[i] = new Part(first, rates[i] == 0 ? 0 : count, begins, nanos[i], rates[i]);
            first += parts[i].tickets();
            begins += nanos[i];
        }
    }

    /** So many requests a second without an end; 0: none. */
    static Schedule steady(long rate) {
        return new Schedule(new long[] {rate}, new long[] {FOR_EVER});
    }

    /** Parts such as {@code 200:30}: so many requests a second for so many seconds. What is before {@code from} is left out. */
    static Schedule of(String[] words, int from) {
        long[] rates = new long[words.length - from];
        long[] nanos = new long[rates.length];
        for (int i = 0; i < rates.length; i++) {
            String[] pair = words[from + i].split(":");
            rates[i] = Long.parseLong(pair[0]);
            nanos[i] = (long) (Double.parseDouble(pair[1]) * 1e9);
        }
        return new Schedule(rates, nanos);
    }

    long began() {
        return began;
    }

    /** When the next request is due; Long.MAX_VALUE when there will be none. */
    long take() {
        return due(tickets.getAndIncrement());
    }

    /** How many tickets have been taken. */
    long taken() {
        return tickets.get();
    }

    /** How many requests have been due by then. */
    long dueBy(long now) {
        long count = 0;
        for (Part part : parts) {
            if (part.tickets() > 0 && now >= part.begins()) {
                count += Math.min(part.tickets(), 1 + (long) ((now - part.begins()) * (part.rate() / 1e9)));
            }
        }
        return count;
    }

    long due(long ticket) {
        for (Part part : parts) {
            if (ticket < part.first() + part.tickets()) {
                return part.due(ticket);
            }
        }
        return Long.MAX_VALUE;
    }
}
