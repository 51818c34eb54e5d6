#pragma once

#include <string>
#include <vector>

#include "contract/control.h"
#include "host-controller/virt/domain.h"

// What `aerostatctl doctor` says of libvirt and of a domain. Pure.
namespace aerostat::host::virt {

/// `trouble` is empty where the connection works.
[[nodiscard]] std::vector<Finding> examine_libvirt(const std::string& uri, const std::string& trouble,
                                                   const LibvirtFacts& facts);
[[nodiscard]] std::vector<Finding> examine_domain(const Domain& domain);

}  // namespace aerostat::host::virt
