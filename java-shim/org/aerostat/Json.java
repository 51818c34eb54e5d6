package org.aerostat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One JSON object of the wire, at most a line long: strings, {@link Double}, {@link Long}, {@link Boolean}, lists and maps;
 * members that are null are left out, as absent. Bounded in depth.
 */
final class Json {
    /** What was read is no JSON object. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1;

        Malformed(String why) {
            super(why, null, false, false);
        }
    }

    private static final int DEEPEST = 16;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    static Map<String, Object> object(String line) throws Malformed {
        Json json = new Json(line);
        json.skipSpace();
        Map<String, Object> found = json.members(0);
        json.skipSpace();
        if (json.at != line.length()) {
            throw new Malformed("something follows the object");
        }
        return found;
    }

    private Object value(int depth) throws Malformed {
        if (depth > DEEPEST) {
            throw new Malformed("nested too deeply");
        }
        return switch (peek()) {
            case '{' -> members(depth);
            case '[' -> elements(depth);
            case '"' -> string();
            case 't' -> word("true", Boolean.TRUE);
            case 'f' -> word("false", Boolean.FALSE);
            case 'n' -> word("null", null);
            default -> number();
        };
    }

    private Map<String, Object> members(int depth) throws Malformed {
        Map<String, Object> found = new HashMap<>();
        expect('{');
        for (boolean first = true; !ends('}', first); first = false) {
            String name = string();
            skipSpace();
            expect(':');
            skipSpace();
            Object value = value(depth + 1);
            if (value != null) {
                found.put(name, value);
            }
        }
        return found;
    }

    private List<Object> elements(int depth) throws Malformed {
        List<Object> found = new ArrayList<>();
        expect('[');
        for (boolean first = true; !ends(']', first); first = false) {
            found.add(value(depth + 1));
        }
        return found;
    }

    /** Passes the end, or the comma before the next element. */
    private boolean ends(char end, boolean first) throws Malformed {
        skipSpace();
        if (peek() == end) {
            at++;
            return true;
        }
        if (!first) {
            expect(',');
            skipSpace();
        }
        return false;
    }

    private Object word(String word, Object value) throws Malformed {
        if (!text.startsWith(word, at)) {
            throw new Malformed("no value");
        }
        at += word.length();
        return value;
    }

    private Object number() throws Malformed {
        int begin = at;
        while (at < text.length() && "+-0123456789.eE".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String digits = text.substring(begin, at);
        try {
            return digits.matches("-?[0-9]{1,18}") ? (Object) Long.valueOf(digits) : (Object) Double.valueOf(digits);
        } catch (NumberFormatException none) {
            throw new Malformed("no value");
        }
    }

    private String string() throws Malformed {
        expect('"');
        StringBuilder found = new StringBuilder();
        for (char c = next(); c != '"'; c = next()) {
            found.append(c == '\\' ? escaped(next()) : c);
        }
        return found.toString();
    }

    private char escaped(char kind) throws Malformed {
        return switch (kind) {
            case '"', '\\', '/' -> kind;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> codeUnit();
            default -> throw new Malformed("unknown escape");
        };
    }

    private char codeUnit() throws Malformed {
        int unit = 0;
        for (int i = 0; i < 4; i++) {
            int digit = Character.digit(next(), 16);
            if (digit < 0) {
                throw new Malformed("unknown escape");
            }
            unit = unit * 16 + digit;
        }
        return (char) unit;
    }

    private void skipSpace() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private char peek() throws Malformed {
        if (at >= text.length()) {
            throw new Malformed("cut short");
        }
        return text.charAt(at);
    }

    private char next() throws Malformed {
        char c = peek();
        at++;
        return c;
    }

    private void expect(char wanted) throws Malformed {
        if (next() != wanted) {
            throw new Malformed("no " + wanted);
        }
    }
}
