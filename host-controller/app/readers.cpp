#include "host-controller/app/readers.h"

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace aerostat::host::app {
namespace {

constexpr const char* kAccessList = "system.posix_acl_access";
constexpr std::uint32_t kNobodyInParticular = ~std::uint32_t{0};

void add(std::string& list, unsigned tag, unsigned rights, std::uint32_t id) {
    posix_acl_xattr_entry entry{};
    entry.e_tag = htole16(static_cast<std::uint16_t>(tag));
    entry.e_perm = htole16(static_cast<std::uint16_t>(rights));
    entry.e_id = htole32(id);
    list.append(reinterpret_cast<const char*>(&entry), sizeof entry);
}

// As the kernel wants it: sorted by tag, then by id (posix_acl_valid in fs/posix_acl.c).
std::string access_list(unsigned of_owner, unsigned of_readers, const std::vector<gid_t>& more) {
    posix_acl_xattr_header header{};
    header.a_version = htole32(POSIX_ACL_XATTR_VERSION);
    std::string list(reinterpret_cast<const char*>(&header), sizeof header);
    add(list, ACL_USER_OBJ, of_owner, kNobodyInParticular);
    add(list, ACL_GROUP_OBJ, of_readers, kNobodyInParticular);
    for (const gid_t group : more) add(list, ACL_GROUP, of_readers, group);
    add(list, ACL_MASK, of_readers, kNobodyInParticular);
    add(list, ACL_OTHER, 0, kNobodyInParticular);
    return list;
}

}  // namespace

Status open_to_readers(int fd, bool is_directory, const std::vector<gid_t>& readers) {
    if (readers.empty()) return {};
    if (::fchown(fd, static_cast<uid_t>(-1), readers.front()) != 0 || ::fchmod(fd, is_directory ? 0750 : 0640) != 0)
        return tl::unexpected(error_from_errno("giving it to its readers", errno));
    if (readers.size() == 1) return {};
    const unsigned own = is_directory ? ACL_READ | ACL_WRITE | ACL_EXECUTE : ACL_READ | ACL_WRITE;
    const unsigned theirs = is_directory ? ACL_READ | ACL_EXECUTE : ACL_READ;
    const std::string list = access_list(own, theirs, {readers.begin() + 1, readers.end()});
    if (::fsetxattr(fd, kAccessList, list.data(), list.size(), 0) == 0) return {};
    if (errno == EOPNOTSUPP)
        return fail(ErrorCode::unsupported,
                    "this file system has no access control lists: members of read_group alone can read it");
    return tl::unexpected(error_from_errno("giving it to all its readers", errno));
}

}  // namespace aerostat::host::app
