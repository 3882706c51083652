# Ten minutes, or SALLYPORT_SOAK_MINUTES, of everything at once; only when named: ./test soak.
set(soak ${CMAKE_CURRENT_LIST_DIR})
add_executable(soak_test ${soak}/soak_test.cpp ${soak}/traffic.cpp ${soak}/operators.cpp ${soak}/figures.cpp)
target_link_libraries(soak_test PRIVATE gateway_harness catch_main)
target_compile_definitions(soak_test PRIVATE MODEL_SERVER="$<TARGET_FILE:model_server>")
add_dependencies(soak_test model_server)
add_test(NAME soak COMMAND soak_test)
set_tests_properties(soak PROPERTIES LABELS soak TIMEOUT 100000 RUN_SERIAL ON)
