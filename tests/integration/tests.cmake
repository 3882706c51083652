# The real process, from outside. One program, one ctest per file so that they run side by side.
set(integration ${CMAKE_CURRENT_LIST_DIR})
add_library(gateway_harness STATIC ${integration}/../support/gateway_process.cpp)
target_link_libraries(gateway_harness PUBLIC test_support)
target_compile_definitions(gateway_harness PUBLIC SALLYPORT_BINARY="$<TARGET_FILE:sallyport>")
add_dependencies(gateway_harness sallyport)

# Put before the system's getaddrinfo (LD_PRELOAD): a name server that the tests command.
add_library(slow_names MODULE ${integration}/../support/slow_names.cpp)
target_link_libraries(slow_names PRIVATE ${CMAKE_DL_LIBS})

# Put before the system's files: a disk that the tests command.
add_library(moody_disk MODULE ${integration}/../support/moody_disk.cpp)
target_link_libraries(moody_disk PRIVATE ${CMAKE_DL_LIBS})

# Put before operator new: memory that ends when the tests say so.
add_library(scarce_memory MODULE ${integration}/../support/scarce_memory.cpp)
target_link_libraries(scarce_memory PRIVATE ${CMAKE_DL_LIBS})

add_executable(integration_test
  ${integration}/streaming_test.cpp
  ${integration}/cancel_test.cpp
  ${integration}/backpressure_test.cpp
  ${integration}/tls_test.cpp
  ${integration}/key_exchange_test.cpp
  ${integration}/upstream_identity_test.cpp
  ${integration}/upstream_connection_test.cpp
  ${integration}/targets_test.cpp
  ${integration}/resolver_test.cpp
  ${integration}/http_test.cpp
  ${integration}/hostile_test.cpp
  ${integration}/limits_test.cpp
  ${integration}/refusal_test.cpp
  ${integration}/framing_test.cpp
  ${integration}/reload_test.cpp
  ${integration}/revocation_test.cpp
  ${integration}/ipv6_test.cpp
  ${integration}/spool_test.cpp
  ${integration}/log_test.cpp
  ${integration}/memory_test.cpp
  ${integration}/disk_test.cpp
  ${integration}/log_place_test.cpp
  ${integration}/log_threads_test.cpp
  ${integration}/tenants_test.cpp
  ${integration}/operations_test.cpp
  ${integration}/shared_limits_test.cpp
  ${integration}/status_test.cpp)
target_link_libraries(integration_test PRIVATE gateway_harness catch_main)
target_compile_definitions(integration_test PRIVATE SLOW_NAMES="$<TARGET_FILE:slow_names>"
  MOODY_DISK="$<TARGET_FILE:moody_disk>" SCARCE_MEMORY="$<TARGET_FILE:scarce_memory>")
add_dependencies(integration_test slow_names moody_disk scarce_memory)

# integration(LABEL TAG…): the test cases of each tag as a ctest of its own.
function(integration label)
  foreach(tag ${ARGN})
    add_test(NAME integration-${tag} COMMAND integration_test "[${tag}]")
    set_tests_properties(integration-${tag} PROPERTIES LABELS ${label} TIMEOUT 300)
  endforeach()
endfunction()
integration(traffic streaming cancel backpressure tls key-exchange upstream-identity upstream-connection targets resolver http framing ipv6 operations reload revocation status
            shared-limits)
integration(hostile hostile limits refusal spool memory)
integration(log log disk)
