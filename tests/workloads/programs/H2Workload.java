import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.SplittableRandom;

/** A bank in an H2 database in memory: look-ups, reports over an index, transfers in transactions, and a journal. */
final class H2Workload implements Program {
    private static final String URL = "jdbc:h2:mem:bank;DB_CLOSE_DELAY=-1;LOCK_TIMEOUT=30000";
    private static final int NOTE_CHARS = 700;
    private static final int BYTES_PER_ROW = 1000; // as H2 keeps it
    private static final int BRANCH_ROWS = 100;
    private static final long START_BALANCE = 1000;

    private final int rows;
    private final ThreadLocal<Session> sessions = ThreadLocal.withInitial(Session::open);

    private H2Workload(int rows) {
        this.rows = rows;
    }

    public static void main(String[] args) throws Exception {
        int rows = (int) (Console.liveBytes(args) / BYTES_PER_ROW / BRANCH_ROWS) * BRANCH_ROWS;
        fill(rows);
        Console.serve(new H2Workload(rows));
    }

    private static void fill(int rows) throws SQLException {
        try (Connection to = DriverManager.getConnection(URL); Statement statement = to.createStatement()) {
            statement.execute("CREATE TABLE account(id INT PRIMARY KEY, branch INT, balance BIGINT, version INT, note VARCHAR)");
            statement.execute("CREATE INDEX by_branch ON account(branch)");
            statement.execute("CREATE TABLE journal(id BIGINT AUTO_INCREMENT PRIMARY KEY, account INT, amount BIGINT)");
            try (PreparedStatement insert = to.prepareStatement("INSERT INTO account VALUES(?, ?, ?, 0, ?)")) {
                for (int id = 0; id < rows; id++) {
                    insert.setInt(1, id);
                    insert.setInt(2, id / BRANCH_ROWS);
                    insert.setLong(3, START_BALANCE);
                    insert.setString(4, Content.text(id, 0, NOTE_CHARS));
                    insert.execute();
                }
            }
        }
    }

    @Override
    public void request(SplittableRandom random) throws Exception {
        Session session = sessions.get();
        int kind = random.nextInt(100);
        if (kind < 70) {
            lookUp(session, random.nextInt(rows));
        } else if (kind < 85) {
            sumUp(session, random.nextInt(rows / BRANCH_ROWS));
        } else {
            transfer(session, random);
        }
    }

    private static void lookUp(Session session, int id) throws Exception {
        session.read.setInt(1, id);
        try (ResultSet found = session.read.executeQuery()) {
            Program.require(found.next(), "account " + id + " is gone");
            verify(found);
            Program.require(!found.next(), "account " + id + " is there twice");
        }
        session.connection.commit();
    }

    private static void verify(ResultSet at) throws Exception {
        int id = at.getInt("id");
        Program.require(at.getString("note").equals(Content.text(id, at.getInt("version"), NOTE_CHARS)), "note of account " + id);
    }

    private static void sumUp(Session session, int branch) throws Exception {
        session.sum.setInt(1, branch);
        try (ResultSet found = session.sum.executeQuery()) {
            found.next();
            Program.require(found.getInt(1) == BRANCH_ROWS, "branch " + branch + " has " + found.getInt(1) + " accounts");
            long first = (long) branch * BRANCH_ROWS;
            long ids = BRANCH_ROWS * first + BRANCH_ROWS * (BRANCH_ROWS - 1L) / 2;
            Program.require(found.getLong(2) == ids, "branch " + branch + " holds other accounts");
        }
        session.connection.commit();
    }

    /** From one account to the other, both with a new version of their notes. In the order of ids: no deadlocks. */
    private void transfer(Session session, SplittableRandom random) throws Exception {
        int low = random.nextInt(rows - 1);
        int high = low + 1 + random.nextInt(Math.min(1000, rows - low - 1));
        long amount = random.nextInt(-50, 50);
        try {
            change(session, low, amount);
            change(session, high, -amount);
            // Only now: whoever waits for a row of the journal waits for somebody who waits for no account any more.
            session.log.setInt(1, low);
            session.log.setLong(2, amount);
            session.log.executeUpdate();
            session.forget.executeUpdate();
            session.connection.commit();
        } catch (Exception e) {
            session.connection.rollback();
            throw e;
        }
    }

    private static void change(Session session, int id, long amount) throws Exception {
        int version;
        session.lock.setInt(1, id);
        try (ResultSet found = session.lock.executeQuery()) {
            Program.require(found.next(), "account " + id + " is gone");
            verify(found);
            version = found.getInt("version") + 1;
        }
        session.update.setLong(1, amount);
        session.update.setInt(2, version);
        session.update.setString(3, Content.text(id, version, NOTE_CHARS));
        session.update.setInt(4, id);
        Program.require(session.update.executeUpdate() == 1, "account " + id + " was not updated");
    }

    @Override
    public long checkAll() throws Exception {
        Session session = sessions.get();
        long seen = 0;
        long balance = 0;
        try (Statement all = session.connection.createStatement();
                ResultSet at = all.executeQuery("SELECT id, version, balance, note FROM account ORDER BY id")) {
            for (; at.next(); seen++) {
                Program.require(at.getInt("id") == seen, "account " + seen + " is gone");
                verify(at);
                balance += at.getLong("balance");
            }
        }
        session.connection.commit();
        Program.require(seen == rows, seen + " accounts instead of " + rows);
        Program.require(balance == rows * START_BALANCE, "money was lost or made");
        return seen;
    }

    /** One thread's connection and statements. */
    private record Session(Connection connection, PreparedStatement read, PreparedStatement sum, PreparedStatement lock,
            PreparedStatement update, PreparedStatement log, PreparedStatement forget) {
        static Session open() {
            try {
                Connection to = DriverManager.getConnection(URL);
                to.setAutoCommit(false);
                return new Session(to, to.prepareStatement("SELECT id, version, note FROM account WHERE id = ?"),
                        to.prepareStatement("SELECT COUNT(*), SUM(id) FROM account WHERE branch = ?"),
                        to.prepareStatement("SELECT id, version, note FROM account WHERE id = ? FOR UPDATE"),
                        to.prepareStatement("UPDATE account SET balance = balance + ?, version = ?, note = ? WHERE id = ?"),
                        to.prepareStatement("INSERT INTO journal(account, amount) VALUES(?, ?)"),
                        to.prepareStatement("DELETE FROM journal WHERE id < (SELECT MAX(id) FROM journal) - 5000"));
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
