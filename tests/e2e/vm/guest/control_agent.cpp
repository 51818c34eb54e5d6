/// Runs commands in a test guest for the harness outside: the guest's process 1, at the other end of a virtio-serial port.
/// One thread, one poll loop; it never blocks, because a write to the port without a host would hang the whole guest.
///
/// A frame, both ways, is {u32 job, u8 kind, u32 length} and `length` bytes; little endian, as both ends are x86.
/// The host chooses the job numbers. To the guest:
///   H  hello: answered by the same frame          S  start: a line for /bin/sh, in a session of its own
///   I  bytes for its stdin; none: close it        K  a signal, one byte, for its session
/// To the host:
///   O, E  what it wrote to stdout, stderr         X  ended: i32, the exit code, or 128 + the signal
///
/// A job has ended when its first process has; what that left running in the background goes on unheard.
/// Jobs outlive the connection: a guest that was saved and restored goes on talking about the jobs it had.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr size_t kMaxFrame = 1 << 20;   // a longer one can only be noise
constexpr size_t kMaxQueued = 4 << 20;  // then jobs wait in their pipes until the host has read
constexpr int kLookForHostMs = 50;      // a port without a host is always "ready": look at it now and then instead

struct [[gnu::packed]] Header {
    uint32_t job;
    char kind;
    uint32_t length;
};

struct Job {
    pid_t pid;
    int in, out, err;
    std::string stdin_queue;
    bool close_when_written = false;
};

class Agent {
public:
    explicit Agent(int port) : port_(port) {
        sigset_t child;
        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        sigprocmask(SIG_BLOCK, &child, nullptr);
        children_ = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    }

    [[noreturn]] void run() {
        while (true) turn();
    }

private:
    void turn() {
        std::vector<pollfd> wanted{{children_, POLLIN, 0}, {port_, short(POLLIN | (queue_.empty() ? 0 : POLLOUT)), 0}};
        if (!host_) wanted[1].fd = -1;
        for (auto& [id, job] : jobs_) {
            const bool room = queued_ < kMaxQueued;
            wanted.push_back({room ? job.out : -1, POLLIN, 0});
            wanted.push_back({room ? job.err : -1, POLLIN, 0});
            wanted.push_back({job.stdin_queue.empty() ? -1 : job.in, POLLOUT, 0});
        }
        poll(wanted.data(), wanted.size(), host_ ? -1 : kLookForHostMs);
        look_for_host();
        if (host_) {
            receive();
            send_queued();
        }
        for (auto& [id, job] : jobs_) {
            feed(job);
            drain(id, job);
        }
        reap();
        if (host_) send_queued();
    }

    void look_for_host() {
        pollfd port{port_, 0, 0};
        poll(&port, 1, 0);
        const bool now = (port.revents & POLLHUP) == 0;
        if (host_ && !now) {  // the next one starts afresh: no half frame from the last, none to it
            inbox_.clear();
            sent_of_first_ = 0;
        }
        host_ = now;
    }

    void receive() {
        char bytes[65536];
        for (ssize_t got; (got = read(port_, bytes, sizeof bytes)) > 0;) inbox_.append(bytes, size_t(got));
        size_t at = 0;
        Header header;
        while (inbox_.size() - at >= sizeof header) {
            memcpy(&header, inbox_.data() + at, sizeof header);
            if (header.length > kMaxFrame || !strchr("HSIK", header.kind)) {
                inbox_.clear();
                return;
            }
            if (inbox_.size() - at < sizeof header + header.length) break;
            obey(header, inbox_.substr(at + sizeof header, header.length));
            at += sizeof header + header.length;
        }
        inbox_.erase(0, at);
    }

    void obey(const Header& header, const std::string& body) {
        if (header.kind == 'H') return queue(header.job, 'H', body);
        if (header.kind == 'S') return start(header.job, body);
        auto found = jobs_.find(header.job);
        if (found == jobs_.end()) return;
        Job& job = found->second;
        if (header.kind == 'K' && !body.empty()) kill(-job.pid, body[0]);
        if (header.kind == 'I') {
            job.stdin_queue += body;
            job.close_when_written = job.close_when_written || body.empty();
        }
    }

    void start(uint32_t id, const std::string& line) {
        int in[2], out[2], err[2];
        if (jobs_.count(id) != 0 || pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
            return ended(id, 126 << 8);
        }
        const pid_t pid = fork();
        if (pid == 0) {
            setsid();
            sigset_t none;
            sigemptyset(&none);
            sigprocmask(SIG_SETMASK, &none, nullptr);
            signal(SIGPIPE, SIG_DFL);
            dup2(in[0], 0), dup2(out[1], 1), dup2(err[1], 2);
            execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
            _exit(127);
        }
        close(in[0]), close(out[1]), close(err[1]);
        for (int fd : {in[1], out[0], err[0]}) fcntl(fd, F_SETFL, O_NONBLOCK);
        jobs_[id] = Job{pid, in[1], out[0], err[0], {}};
    }

    static void feed(Job& job) {
        if (job.in < 0) return;
        const ssize_t wrote = job.stdin_queue.empty() ? 0 : write(job.in, job.stdin_queue.data(), job.stdin_queue.size());
        if (wrote > 0) job.stdin_queue.erase(0, size_t(wrote));
        const bool broken = wrote < 0 && errno != EAGAIN && errno != EINTR;
        if (broken || (job.stdin_queue.empty() && job.close_when_written)) {
            close(job.in);
            job.in = -1;
            job.stdin_queue.clear();
        }
    }

    void drain(uint32_t id, Job& job, size_t limit = kMaxQueued) {
        drain(id, 'O', job.out, limit);
        drain(id, 'E', job.err, limit);
    }

    void drain(uint32_t id, char kind, int& fd, size_t limit = kMaxQueued) {
        char bytes[65536];
        while (fd >= 0 && queued_ < limit) {
            const ssize_t got = read(fd, bytes, sizeof bytes);
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
            if (got <= 0) {
                close(fd);
                fd = -1;
                return;
            }
            queue(id, kind, std::string(bytes, size_t(got)));
        }
    }

    /// Process 1 inherits everybody's orphans: collects them all, and tells of those that were jobs.
    void reap() {
        signalfd_siginfo ignored;
        while (read(children_, &ignored, sizeof ignored) > 0) {
        }
        int status = 0;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
            for (auto job = jobs_.begin(); job != jobs_.end(); ++job) {
                if (job->second.pid != pid) continue;
                drain(job->first, job->second, queued_ + kMaxFrame);  // there is no later for what it left in its pipes
                for (int fd : {job->second.in, job->second.out, job->second.err}) {
                    if (fd >= 0) close(fd);
                }
                ended(job->first, status);
                jobs_.erase(job);
                break;
            }
        }
    }

    void ended(uint32_t id, int status) {
        const int32_t code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        queue(id, 'X', std::string(reinterpret_cast<const char*>(&code), sizeof code));
    }

    void queue(uint32_t id, char kind, const std::string& body) {
        const Header header{id, kind, uint32_t(body.size())};
        queue_.push_back(std::string(reinterpret_cast<const char*>(&header), sizeof header) + body);
        queued_ += queue_.back().size();
    }

    void send_queued() {
        while (!queue_.empty()) {
            const std::string& first = queue_.front();
            const ssize_t wrote = write(port_, first.data() + sent_of_first_, first.size() - sent_of_first_);
            if (wrote <= 0) return;
            sent_of_first_ += size_t(wrote);
            if (sent_of_first_ < first.size()) continue;
            queued_ -= first.size();
            sent_of_first_ = 0;
            queue_.pop_front();
        }
    }

    int port_;
    int children_;
    bool host_ = false;
    std::string inbox_;
    std::deque<std::string> queue_;  // whole frames, so that a new connection never begins inside one
    size_t queued_ = 0;
    size_t sent_of_first_ = 0;
    std::map<uint32_t, Job> jobs_;
};

}  // namespace

int main(int argc, char** argv) {
    signal(SIGPIPE, SIG_IGN);
    const int port = argc == 2 ? open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
    if (port < 0) return 1;
    Agent(port).run();
}
