import java.util.SplittableRandom;

/** A real program under load: it answers requests, and knows itself which answers are right. */
interface Program {
    /** Serves one request and verifies its answer. Called by several threads. */
    void request(SplittableRandom random) throws Exception;

    /** Verifies all data there is; returns how much of it. */
    long checkAll() throws Exception;

    /** Data was lost, damaged, or is not what was asked for. */
    final class WrongAnswer extends Exception {
        private static final long serialVersionUID = 1;

        WrongAnswer(String what) {
            super(what);
        }
    }

    static void require(boolean holds, String what) throws WrongAnswer {
        if (!holds) {
            throw new WrongAnswer(what);
        }
    }
}
