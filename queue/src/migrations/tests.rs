use std::collections::BTreeSet;

use shared::testing::TestDb;

use super::*;

/// Every column, index, constraint and trigger of these tables, as text.
async fn parts(pool: &PgPool, tables: &[String]) -> BTreeSet<String> {
    let parts = sqlx::query_scalar(
        "SELECT format('%s.%s %s %s %s', table_name, column_name, udt_name, is_nullable, column_default)
         FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name = ANY ($1)
         UNION ALL
         SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY ($1)
         UNION ALL
         SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid))
         FROM pg_constraint WHERE conrelid::regclass::text = ANY ($1)
         UNION ALL
         SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY ($1)",
    )
    .bind(tables)
    .fetch_all(pool)
    .await
    .unwrap();
    parts.into_iter().collect()
}

#[tokio::test]
async fn the_engines_migrations_make_its_tables_as_the_product_has_them() {
    let (alone, product) = (TestDb::empty().await, TestDb::new().await);
    migrate(&alone.pool).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.tables
         WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'",
    )
    .fetch_all(&alone.pool)
    .await
    .unwrap();
    assert!(tables.iter().any(|table| table == "jobs"), "{tables:?}");
    let (alone_has, product_has) = (parts(&alone.pool, &tables).await, parts(&product.pool, &tables).await);
    let missing: Vec<_> = product_has.difference(&alone_has).collect();
    let more: Vec<_> = alone_has.difference(&product_has).collect();
    assert!(
        missing.is_empty() && more.is_empty(),
        "a migration that changes the engine's tables begins with one of {MIGRATIONS:?}\n\
         only the product has {missing:#?}\nonly the engine has {more:#?}"
    );
    alone.close().await;
    product.close().await;
}
