# The second reader of the sealed log, against the first. It needs packages that scripts/install-clients fetches.
set(reader ${CMAKE_CURRENT_LIST_DIR})
find_program(NODE node)
if(NODE)
  add_executable(write_log ${reader}/write_log.cpp)
  target_link_libraries(write_log PRIVATE sallyport_logging)
  foreach(name content hybrid tenants tamper signed)
    add_test(NAME second-reader-${name} COMMAND ${NODE} --test --test-reporter=spec ${reader}/${name}.test.mjs)
    set_tests_properties(second-reader-${name} PROPERTIES LABELS log TIMEOUT 300
      SKIP_REGULAR_EXPRESSION "Cannot find package 'hpke'"
      ENVIRONMENT "SALLYPORT=$<TARGET_FILE:sallyport>;WRITE_LOG=$<TARGET_FILE:write_log>")
  endforeach()
endif()
