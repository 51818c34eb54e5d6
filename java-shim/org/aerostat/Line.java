package org.aerostat;

import java.util.concurrent.atomic.AtomicLong;

/** A message to the daemon, made field by field. Names and texts are of the alphabet of names, so nothing needs escaping. */
final class Line {
    private static final AtomicLong COUNT = new AtomicLong();
    private static final String NAMES = "[A-Za-z0-9._-]{1,64}";

    private final StringBuilder text = new StringBuilder(200);

    private Line(String type, String id) {
        text.append("{\"v\":1,\"type\":\"").append(type).append("\",\"id\":\"").append(id).append('"');
    }

    static Line of(String type) {
        return new Line(type, "j" + COUNT.incrementAndGet());
    }

    static Line answer(String type, String id) {
        return new Line(type, id);
    }

    static boolean isId(String id) {
        return id.matches("[A-Za-z0-9._~-]{1,64}");
    }

    static boolean isName(String name) {
        return name.matches(NAMES);
    }

    Line with(String field, String name) {
        if (!isName(name)) {
            throw new IllegalArgumentException(field + " \"" + name + "\": 1 to 64 of A-Za-z0-9._-");
        }
        text.append(",\"").append(field).append("\":\"").append(name).append('"');
        return this;
    }

    Line with(String field, long number) {
        text.append(",\"").append(field).append("\":").append(number);
        return this;
    }

    Line with(String field, double number) {
        text.append(",\"").append(field).append("\":").append(number);
        return this;
    }

    String end() {
        return text.append("}\n").toString();
    }
}
